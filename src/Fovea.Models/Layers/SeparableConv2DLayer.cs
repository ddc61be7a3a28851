namespace Fovea.Models;

/// <summary>A depthwise convolution and the 1x1 convolution behind it in one pass, with their packed weights; biases, activations and the
/// residual fused.</summary>
/// <remarks>Input <c>[N, H, W, C]</c>, output <c>[N, H', W', out]</c>, f32. Immutable after construction.</remarks>
public sealed class SeparableConv2DLayer : ILayer
{
    private readonly SeparableConv2DOptions _options;
    private readonly DeviceTensor _weights;
    private readonly DeviceTensor _depthwiseBias;
    private readonly DeviceTensor _bias;

    /// <summary>Packs the weights on <paramref name="stream"/>.</summary>
    /// <param name="stream">Stream whose pool holds the packed weights.</param>
    /// <param name="options">Geometry and activations; channels and kernel size must match the weights.</param>
    /// <param name="depthwise"><c>[C][kh][kw]</c>, row-major.</param>
    /// <param name="depthwiseBias"><c>[C]</c>.</param>
    /// <param name="pointwise"><c>[out][C]</c>, row-major.</param>
    /// <param name="bias"><c>[out]</c>.</param>
    public SeparableConv2DLayer(
        DeviceStream stream, in SeparableConv2DOptions options, ReadOnlySpan<float> depthwise, ReadOnlySpan<float> depthwiseBias,
        ReadOnlySpan<float> pointwise, ReadOnlySpan<float> bias)
    {
        _options = options;
        var layer = options.Depthwise;
        using var first = DeviceTensor.From(stream, depthwise, layer.InChannels, layer.KernelHeight, layer.KernelWidth);
        using var second = DeviceTensor.From(stream, pointwise, options.OutChannels, layer.InChannels);
        _weights = Kernels.PrepareSeparableConv2D(stream, options, first, second);
        _depthwiseBias = DeviceTensor.From(stream, depthwiseBias, layer.InChannels);
        _bias = DeviceTensor.From(stream, bias, options.OutChannels);
    }

    /// <inheritdoc/>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x) => Forward(stream, x, residual: null);

    /// <summary>As <see cref="Forward(DeviceStream, DeviceTensor)"/>, with a tensor of the result's shape added before the activation.</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x, DeviceTensor? residual)
    {
        var (height, width) = _options.OutputSize(x.Shape[1], x.Shape[2]);
        var y = DeviceTensor.AllocateLike(stream, x, DType.Float32, x.Shape[0], height, width, _options.OutChannels);
        Forward(stream, x, residual, y);
        return y;
    }

    /// <summary>As <see cref="Forward(DeviceStream, DeviceTensor, DeviceTensor?)"/>, into <paramref name="y"/>, which may be a channel
    /// slice.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor? residual, DeviceTensor y) =>
        Kernels.SeparableConv2D(stream, _options, x, _weights, _depthwiseBias, _bias, slope: null, residual, y);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _depthwiseBias.Dispose();
        _bias.Dispose();
    }
}
