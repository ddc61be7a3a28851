using System.Runtime.InteropServices;
using Fovea.Models.BlazeFace;

namespace Fovea.Detection;

/// <summary>One face, in pixels of the image counted from 0. Edges and points are real numbers and may lie beyond the image.</summary>
/// <remarks>The layout is that of a row of the detector's result table: 17 floats.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct BlazeFaceDetection
{
    internal const int Columns = 5 + 2 * BlazeFaceNet.Points;

    /// <summary>Left edge.</summary>
    public float X1;

    /// <summary>Top edge.</summary>
    public float Y1;

    /// <summary>Right edge.</summary>
    public float X2;

    /// <summary>Bottom edge.</summary>
    public float Y2;

    /// <summary>Probability that this is a face, 0 to 1.</summary>
    public float Score;

    /// <summary>Eyes, nose, mouth and ears.</summary>
    public BlazeFaceLandmarks Landmarks;
}
