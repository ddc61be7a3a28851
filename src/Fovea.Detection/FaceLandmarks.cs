using System.Numerics;
using System.Runtime.CompilerServices;

namespace Fovea.Detection;

/// <summary>Five points in pixels: left eye, right eye, nose, left and right corner of the mouth, as seen in the
/// image.</summary>
[InlineArray(Count)]
public struct FaceLandmarks
{
    /// <summary>Number of points.</summary>
    public const int Count = 5;

    private Vector2 _first;
}
