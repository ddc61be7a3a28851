namespace Fovea.Models.TextRecognition;

/// <summary>A layer norm over the features of each column.</summary>
internal sealed class PpOcrNorm : ILayer
{
    private readonly LayerNormOptions _options;
    private readonly DeviceTensor _gamma, _beta;

    public PpOcrNorm(DeviceStream stream, PpOcrWeights weights, int number, float epsilon)
    {
        const int width = PpOcrRecognizer.Features;
        _options = new LayerNormOptions { Epsilon = epsilon };
        _gamma = DeviceTensor.From<float>(stream, weights.Floats($"layer_norm_{number}.w_0", width), width);
        _beta = DeviceTensor.From<float>(stream, weights.Floats($"layer_norm_{number}.b_0", width), width);
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        Kernels.LayerNorm(stream, _options, x, residual: null, _gamma, _beta, sum: null, y);
        return y;
    }

    public void Dispose()
    {
        _gamma.Dispose();
        _beta.Dispose();
    }
}
