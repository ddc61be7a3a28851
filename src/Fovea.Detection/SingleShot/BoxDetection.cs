using System.Runtime.InteropServices;

namespace Fovea.Detection;

/// <summary>One object of a detector with a single class, in pixels of the image counted from 0. Edges are real numbers and may lie beyond
/// the image.</summary>
/// <remarks>The layout is that of a row of the detector's result table: 5 floats.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct BoxDetection
{
    internal const int Columns = 5;

    /// <summary>Left edge.</summary>
    public float X1;

    /// <summary>Top edge.</summary>
    public float Y1;

    /// <summary>Right edge.</summary>
    public float X2;

    /// <summary>Bottom edge.</summary>
    public float Y2;

    /// <summary>Probability of the object, 0 to 1.</summary>
    public float Score;
}
