using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What one kind of corner is to say: results of a <see cref="CornerNetTargetsOperation"/>.</summary>
/// <param name="Heat">[B][S][S][C].</param>
/// <param name="Cells">i32 [B*M]: row of each object's corner in the flat map; -1: none.</param>
/// <param name="Offsets">[B*M][2], in cells.</param>
/// <param name="Peaks">Number of peaks, at least 1.</param>
internal readonly record struct CornerTargets(Value Heat, Value Cells, Value Offsets, Value Peaks)
{
    public const int Count = 4;

    public static CornerTargets From(ReadOnlySpan<Value> results) => new(results[0], results[1], results[2], results[3]);
}
