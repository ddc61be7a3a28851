using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Maxima of windows of several sizes beside x itself, all of x's height and width: a larger receptive field without a smaller map
/// (YOLOv3-SPP; Bochkovskiy et al., "YOLOv4", 2020). Nothing outside x counts, not even as 0.</summary>
/// <remarks>A maximum over windows of a maximum over windows is the maximum over their sum, so each size is pooled from the one before:
/// 5, 9, 13 cost three windows of 5.</remarks>
public sealed class SpatialPyramidPooling : Module
{
    private readonly int[] _kernels;
    private readonly bool _inputFirst;

    /// <summary>Sets the windows.</summary>
    /// <param name="name">Path of the part.</param>
    /// <param name="inputFirst">Channels of x come first, then those of the windows as they are named. If not, the widest window comes
    /// first and x last, as in darknet.</param>
    /// <param name="kernels">Odd and ascending; none: 5, 9, 13.</param>
    public SpatialPyramidPooling(string name, bool inputFirst = false, params ReadOnlySpan<int> kernels) : base(name)
    {
        (_kernels, _inputFirst) = (kernels.IsEmpty ? [5, 9, 13] : kernels.ToArray(), inputFirst);
        var before = 1;
        foreach (var kernel in _kernels)
        {
            if (kernel % 2 == 0 || kernel <= before) throw new ArgumentException($"{name}: windows are odd and ascending, not {kernel} behind {before}", nameof(kernels));
            before = kernel;
        }
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var maps = new List<Value> { x };
        var before = 1;
        foreach (var kernel in _kernels)
        {
            var step = kernel - before + 1;
            maps.Add(maps[^1].Pool2D(new Pool2DOptions(PoolMode.Max, step, 1, step / 2)));
            before = kernel;
        }
        if (!_inputFirst) maps.Reverse();
        return maps[0].Concat([.. maps[1..]]);
    }
}
