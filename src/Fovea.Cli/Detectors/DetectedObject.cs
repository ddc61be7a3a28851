using System.Numerics;

namespace Fovea.Cli.Detectors;

/// <summary>One object found, in pixels of the original image.</summary>
/// <param name="Label">Name of its class.</param>
/// <param name="Score">Probability, 0 to 1.</param>
/// <param name="X1">Left edge.</param>
/// <param name="Y1">Top edge.</param>
/// <param name="X2">Right edge.</param>
/// <param name="Y2">Bottom edge.</param>
/// <param name="Landmarks">Points of a face.</param>
/// <param name="Class">Index of the class; null where the detector has only one.</param>
internal sealed record DetectedObject(
    string Label, float Score, float X1, float Y1, float X2, float Y2, IReadOnlyList<Vector2> Landmarks, int? Class = null);
