using System.Numerics;
using System.Runtime.CompilerServices;
using Fovea.Models.BlazeFace;

namespace Fovea.Detection;

/// <summary>Six points in pixels: right eye, left eye, tip of the nose, middle of the mouth, right ear, left ear, as the person has
/// them.</summary>
[InlineArray(BlazeFaceNet.Points)]
public struct BlazeFaceLandmarks
{
    private Vector2 _first;
}
