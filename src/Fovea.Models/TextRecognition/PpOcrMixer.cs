namespace Fovea.Models.TextRecognition;

/// <summary>A block of SVTR (Du et al., "SVTR: Scene Text Recognition with a Single Visual Model", 2022) that mixes the columns of a line:
/// attention and a two-layer perceptron with SiLU, each behind a layer norm and beside a residual.</summary>
internal sealed class PpOcrMixer : ILayer
{
    private const int Width = PpOcrRecognizer.Features, Heads = 8, Hidden = 2 * Width;

    private readonly PpOcrNorm _attentionNorm, _perceptronNorm;
    private readonly LinearLayer _queries, _keys, _values, _joined, _up, _down;

    /// <summary>Loads the block whose dense layers begin with <paramref name="linear"/> and whose norms begin with
    /// <paramref name="norm"/>.</summary>
    public PpOcrMixer(DeviceStream stream, PpOcrWeights weights, int linear, int norm)
    {
        _attentionNorm = new PpOcrNorm(stream, weights, norm, 1e-5f);
        _queries = weights.Dense(stream, linear, Width, 3 * Width, 0, Width);
        _keys = weights.Dense(stream, linear, Width, 3 * Width, Width, Width);
        _values = weights.Dense(stream, linear, Width, 3 * Width, 2 * Width, Width);
        _joined = weights.Dense(stream, linear + 1, Width, Width, 0, Width);
        _perceptronNorm = new PpOcrNorm(stream, weights, norm + 1, 1e-5f);
        _up = weights.Dense(stream, linear + 2, Width, Hidden, 0, Hidden, Activation.Silu);
        _down = weights.Dense(stream, linear + 3, Hidden, Width, 0, Width);
    }

    /// <summary>[columns][120] to the same shape.</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var sum = Attend(stream, x);
        Kernels.Binary(stream, BinaryOp.Add, sum, x, sum);
        using var normed = _perceptronNorm.Forward(stream, sum);
        using var inner = _up.Forward(stream, normed);
        using var y = _down.Forward(stream, inner);
        Kernels.Binary(stream, BinaryOp.Add, sum, y, sum);
        return sum;
    }

    public void Dispose()
    {
        _attentionNorm.Dispose();
        _perceptronNorm.Dispose();
        foreach (var layer in new[] { _queries, _keys, _values, _joined, _up, _down }) layer.Dispose();
    }

    private DeviceTensor Attend(DeviceStream stream, DeviceTensor x)
    {
        using var normed = _attentionNorm.Forward(stream, x);
        using var queries = _queries.Forward(stream, normed);
        using var keys = _keys.Forward(stream, normed);
        using var values = _values.Forward(stream, normed);
        using var joined = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        long[] heads = [1, x.Shape[0], Heads, Width / Heads];
        Kernels.Attention(stream, new AttentionOptions(), queries.Reshape(heads), keys.Reshape(heads), values.Reshape(heads),
            keyLengths: null, joined.Reshape(heads), lse: null);
        return _joined.Forward(stream, joined);
    }
}
