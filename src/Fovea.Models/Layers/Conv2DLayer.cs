namespace Fovea.Models;

/// <summary>A convolution with its packed weights: bias, activation and residual fused.</summary>
/// <remarks>Input <c>[N, H, W, in]</c>, output <c>[N, H', W', out]</c>, f32. Immutable after construction, so any number of
/// streams of the same device may use it at once.</remarks>
public sealed class Conv2DLayer : ILayer
{
    private readonly Conv2DOptions _options;
    private readonly DeviceTensor _weights;
    private readonly DeviceTensor? _bias;
    private readonly DeviceTensor? _slope;

    /// <summary>Packs the weights on <paramref name="stream"/>.</summary>
    /// <param name="stream">Stream whose pool holds the packed weights.</param>
    /// <param name="options">Geometry and activation; channels and kernel size must match <paramref name="weights"/>.</param>
    /// <param name="weights"><c>[out][kh][kw][in/groups]</c>, row-major.</param>
    /// <param name="bias"><c>[out]</c>, or empty.</param>
    /// <param name="slope">PReLU slopes <c>[out]</c>, or empty.</param>
    public Conv2DLayer(DeviceStream stream, in Conv2DOptions options, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ReadOnlySpan<float> slope)
    {
        _options = options;
        using var source = DeviceTensor.From(stream, weights, options.OutChannels, options.KernelHeight, options.KernelWidth, options.InChannels / options.Groups);
        _weights = Kernels.PrepareConv2D(stream, options, source);
        _bias = bias.IsEmpty ? null : DeviceTensor.From(stream, bias, options.OutChannels);
        _slope = slope.IsEmpty ? null : DeviceTensor.From(stream, slope, options.OutChannels);
    }

    /// <summary>Channels of the output.</summary>
    public int OutChannels => _options.OutChannels;

    /// <inheritdoc/>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var (height, width) = _options.OutputSize(x.Shape[1], x.Shape[2]);
        var y = DeviceTensor.AllocateLike(stream, x, DType.Float32, x.Shape[0], height, width, _options.OutChannels);
        Forward(stream, x, y);
        return y;
    }

    /// <summary>Enqueues the convolution into <paramref name="y"/>, which may be a channel slice.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor y) => Forward(stream, x, residual: null, y);

    /// <summary>As <see cref="Forward(DeviceStream, DeviceTensor, DeviceTensor)"/>, with a tensor of the result's shape added before the
    /// activation.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor? residual, DeviceTensor y) =>
        Kernels.Conv2D(stream, _options, x, _weights, _bias, _slope, residual, y);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _bias?.Dispose();
        _slope?.Dispose();
    }
}
