using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Maps of several levels as one list of cells.</summary>
public static class LevelMaps
{
    /// <summary>[B][H][W][A*C] of each level to [B][sum of H*W*A][C]: levels one behind the other, in each row by row, in a cell its
    /// anchors.</summary>
    /// <param name="levels">At least one.</param>
    /// <param name="columns">C.</param>
    public static Value Join(IReadOnlyList<Value> levels, long columns)
    {
        ArgumentNullException.ThrowIfNull(levels);
        var batch = levels[0].Shape[0];
        Value[] flat = [.. levels.Select(l => l.Reshape(batch, l.Spec.ElementCount / batch))];
        var joined = flat.Length == 1 ? flat[0] : flat[0].Concat(flat.AsSpan(1));
        return joined.Reshape(batch, -1, columns);
    }
}
