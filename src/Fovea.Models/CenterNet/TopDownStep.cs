namespace Fovea.Models.CenterNet;

/// <summary>One step of the top-down path: the coarser map, twice as large, beside a narrow view of the finer one.</summary>
internal sealed class TopDownStep : IDisposable
{
    private readonly int _side, _channels;
    private readonly SeparableConv2DLayer _above3, _above5;
    private readonly Conv2DLayer _reduce;
    private readonly SeparableConv2DLayer _lateral;
    private readonly LegacyUpsampling _upsampling;

    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="weights">The file.</param>
    /// <param name="level">Number of the finer map: 2, 3 or 4.</param>
    /// <param name="coarse">Channels of the coarser map.</param>
    /// <param name="coarseScale">What the coarser map owes to the rounded sixth.</param>
    /// <param name="fine">Channels of the finer map.</param>
    /// <param name="channels">Channels of each half of the result.</param>
    /// <param name="side">Side of the coarser map.</param>
    public TopDownStep(DeviceStream stream, CenterNetWeights weights, int level, int coarse, float coarseScale, int fine, int channels, int side)
    {
        (_side, _channels) = (side, channels);
        string up = $"CenternetHead/c{level + 1}_upsample/branch", lateral = $"CenternetHead/c{level}_reverse";
        _above3 = weights.Separable($"{up}_x_upsample_resize", coarse, channels, 3, Activation.None, coarseScale);
        _above5 = weights.Separable($"{up}_y_upsample_resize", coarse, channels, 5, Activation.None, coarseScale);
        _reduce = weights.Convolution($"{lateral}/1x1", fine, fine / 4, Activation.Relu);
        _lateral = weights.Separable($"{lateral}/3x3", fine / 4, channels, 5, Activation.Relu);
        _upsampling = new LegacyUpsampling(stream, side);
    }

    /// <summary>Enqueues it: the result is <c>[1, 2 side, 2 side, 2 channels]</c>.</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor coarse, DeviceTensor fine)
    {
        var both = DeviceTensor.Allocate(stream, DType.Float32, 1, 2 * _side, 2 * _side, 2 * _channels);
        using (var narrow = _reduce.Forward(stream, fine)) _lateral.Forward(stream, narrow, residual: null, both.Columns(0, _channels));
        using var first = _above3.Forward(stream, coarse);
        using var sum = _above5.Forward(stream, coarse, first);
        var above = both.Columns(_channels, _channels);
        _upsampling.Forward(stream, sum, above);
        Kernels.Activate(stream, Activation.Relu, above, slope: null, above);
        return both;
    }

    public void Dispose()
    {
        _above3.Dispose();
        _above5.Dispose();
        _reduce.Dispose();
        _lateral.Dispose();
        _upsampling.Dispose();
    }
}
