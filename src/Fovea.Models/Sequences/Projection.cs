using Fovea.Training;

namespace Fovea.Models.Sequences;

/// <summary>A packed product along the last dimension in a streaming form: <c>[.., in]</c> to <c>[.., out]</c>, with an optional bias
/// and activation. It keeps the values its parameters had when it was made.</summary>
internal sealed class Projection : ILayer
{
    private readonly LinearOptions _options;
    private readonly DeviceTensor _weights;
    private readonly DeviceTensor? _bias;

    /// <param name="stream">Where the weights are packed.</param>
    /// <param name="weight"><c>[out, in]</c>, possibly rows of a larger matrix.</param>
    /// <param name="bias"><c>[out]</c> or null.</param>
    /// <param name="activation">Applied at the end.</param>
    /// <param name="format">How the weights are stored.</param>
    public Projection(DeviceStream stream, DeviceTensor weight, DeviceTensor? bias = null, Activation activation = default, WeightFormat format = default)
    {
        _options = new LinearOptions
        {
            InFeatures = checked((int)weight.Shape[1]),
            OutFeatures = checked((int)weight.Shape[0]),
            Activation = activation,
            Weights = format,
        };
        _weights = Kernels.PrepareLinear(stream, _options, weight);
        _bias = bias is null ? null : Clone(stream, bias);
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var y = Like(stream, x, _options.OutFeatures);
        Forward(stream, x, y);
        return y;
    }

    /// <summary>Enqueues the product into <paramref name="y"/>.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor y) =>
        Kernels.Linear(stream, _options, x.Reshape(-1, _options.InFeatures), _weights, _bias, slope: null, y.Reshape(-1, _options.OutFeatures));

    public void Dispose()
    {
        _weights.Dispose();
        _bias?.Dispose();
    }

    /// <summary>A tensor of x's shape but for the last dimension.</summary>
    internal static DeviceTensor Like(DeviceStream stream, DeviceTensor x, long last)
    {
        Span<long> shape = stackalloc long[x.Rank];
        x.Shape.CopyTo(shape);
        shape[^1] = last;
        return DeviceTensor.Allocate(stream, DType.Float32, shape);
    }

    /// <summary>A copy of a parameter's value of now.</summary>
    internal static DeviceTensor Clone(DeviceStream stream, DeviceTensor x)
    {
        var y = DeviceTensor.Allocate(stream, x.DType, x.Shape);
        Kernels.Copy(stream, x, y);
        return y;
    }
}
