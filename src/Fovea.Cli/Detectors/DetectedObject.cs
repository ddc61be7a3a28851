using System.Numerics;

namespace Fovea.Cli.Detectors;

/// <summary>One object found, in pixels of the original image.</summary>
internal sealed record DetectedObject(string Label, float Score, float X1, float Y1, float X2, float Y2, IReadOnlyList<Vector2> Landmarks);
