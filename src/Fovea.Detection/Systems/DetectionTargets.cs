using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Labels of a batch of B images as values of a tape, M places per image.</summary>
/// <param name="Boxes">f32 [B][M][4]: x1 y1 x2 y2 in pixels.</param>
/// <param name="Classes">i32 [B][M]: -1 where the place is empty. Empty places come last.</param>
/// <param name="Masks">u8 [B][M][S][S], 1 inside the object; absent unless <see cref="DetectionSystem.UsesMasks"/>.</param>
public readonly record struct DetectionTargets(Value Boxes, Value Classes, Value Masks = default);
