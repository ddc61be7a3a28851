using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>A <see cref="Projection"/> with packed weights and the function behind it. The bias stays the parameter's.</summary>
internal sealed class PreparedProjection : IDisposable
{
    private readonly LinearOptions _options;
    private readonly DeviceTensor _weights;
    private readonly DeviceTensor? _bias;

    public PreparedProjection(DeviceStream stream, Parameter weight, Parameter? bias, WeightFormat format, Activation activation = default)
    {
        _options = new LinearOptions
        {
            OutFeatures = checked((int)weight.Spec[0]),
            InFeatures = checked((int)weight.Spec[1]),
            Activation = activation,
            Weights = format,
        };
        _weights = Kernels.PrepareLinear(stream, _options, weight.Value);
        _bias = bias?.Value;
    }

    public int OutFeatures => _options.OutFeatures;

    /// <summary>Enqueues x [rows][in] to y [rows][out].</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor y) => Kernels.Linear(stream, _options, x, _weights, _bias, slope: null, y);

    /// <summary>Enqueues x [rows][in] to a new tensor [rows][out].</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], OutFeatures);
        Forward(stream, x, y);
        return y;
    }

    public void Dispose() => _weights.Dispose();
}
