using System.Runtime.InteropServices;

namespace Fovea.Detection;

/// <summary>One object of a detector with several classes, in pixels of the image counted from 0. Edges are real numbers and may lie beyond
/// the image.</summary>
/// <remarks>The layout is that of a row of <see cref="Kernels.DetectBoxes"/>: 6 floats.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct ObjectDetection
{
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

    private float _class;

    /// <summary>Index of the class among those of the model.</summary>
    public int Class
    {
        readonly get => (int)_class;
        set => _class = value;
    }
}
