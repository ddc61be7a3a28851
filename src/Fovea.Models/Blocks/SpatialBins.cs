using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Spatial pyramid pooling to a fixed length (He, Zhang, Ren, Sun, 2014): per level n the maxima of n by n bins, whatever the
/// size of x [N][H][W][C]. Bin i covers [floor(i*size/n), ceil((i+1)*size/n)).</summary>
/// <remarks>y is [N][C * sum of n^2], level by level, in a level bin by bin in row-major order, in a bin channel by channel: Caffe has the
/// channels outside the bins.</remarks>
public sealed class SpatialBins : Module
{
    private readonly int[] _levels;

    /// <summary>Sets the bins per side: the usual ones are 1, 2, 4 and 1, 2, 3, 6.</summary>
    public SpatialBins(string name, params ReadOnlySpan<int> levels) : base(name)
    {
        if (levels.IsEmpty) throw new ArgumentException("a pyramid has at least one level", nameof(levels));
        _levels = levels.ToArray();
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        Value[] levels = [.. _levels.Select(n => x.AdaptivePool2D(PoolMode.Max, n, n).Reshape(x.Shape[0], n * n * x.Shape[3]))];
        return levels[0].Concat(levels.AsSpan(1));
    }
}
