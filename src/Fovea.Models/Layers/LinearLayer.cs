namespace Fovea.Models;

/// <summary>A fully connected layer with its packed weights; bias and activation fused.</summary>
/// <remarks>Input of rank 2 or more is flattened behind its leading dimension: <c>[N, ...]</c> to <c>[N, out]</c>, f32.
/// Immutable after construction.</remarks>
public sealed class LinearLayer : ILayer
{
    private readonly LinearOptions _options;
    private readonly DeviceTensor _weights;
    private readonly DeviceTensor? _bias;
    private readonly DeviceTensor? _slope;

    /// <summary>Packs the weights on <paramref name="stream"/>.</summary>
    /// <param name="stream">Stream whose pool holds the packed weights.</param>
    /// <param name="options">Feature counts and activation.</param>
    /// <param name="weights"><c>[out][in]</c>, row-major.</param>
    /// <param name="bias"><c>[out]</c>, or empty.</param>
    /// <param name="slope">PReLU slopes <c>[out]</c>, or empty.</param>
    public LinearLayer(DeviceStream stream, in LinearOptions options, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ReadOnlySpan<float> slope)
    {
        _options = options;
        using var source = DeviceTensor.From(stream, weights, options.OutFeatures, options.InFeatures);
        _weights = Kernels.PrepareLinear(stream, options, source);
        _bias = bias.IsEmpty ? null : DeviceTensor.From(stream, bias, options.OutFeatures);
        _slope = slope.IsEmpty ? null : DeviceTensor.From(stream, slope, options.OutFeatures);
    }

    /// <inheritdoc/>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var y = DeviceTensor.AllocateLike(stream, x, DType.Float32, x.Shape[0], _options.OutFeatures);
        Forward(stream, x, y);
        return y;
    }

    /// <summary>Enqueues the layer into <paramref name="y"/>, which may be a slice of a wider row table.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor y)
    {
        var rows = x.Reshape(x.Shape[0], _options.InFeatures);
        Kernels.Linear(stream, _options, rows, _weights, _bias, _slope, y);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _bias?.Dispose();
        _slope?.Dispose();
    }
}
