using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>What <see cref="CornerNet"/> says of one kind of corner.</summary>
/// <param name="Heat">Logits [B][H][W][classes].</param>
/// <param name="Tag">[B][H][W][1]: nearly equal at the two corners of an object.</param>
/// <param name="Offset">[B][H][W][2]: x and y from the cell's edge to the corner, in cells.</param>
public readonly record struct CornerMaps(Value Heat, Value Tag, Value Offset);
