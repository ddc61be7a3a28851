namespace Fovea.Models.Sequences.Sentences;

/// <summary>Self-attention of each sentence, then a feed-forward block, norms in front of both. Sentences lie behind each other without
/// padding: x [T][in] to [T][512].</summary>
internal sealed class SentenceEncoderLayer : IDisposable
{
    private readonly int _width;
    private readonly (DeviceTensor Gamma, DeviceTensor Beta) _attentionNorm, _feedForwardNorm;
    private readonly LinearLayer[] _projections; // queries, keys, values
    private readonly LinearLayer _output, _up, _down;
    private readonly LinearLayer? _widen;

    public SentenceEncoderLayer(DeviceStream stream, SentenceWeights weights, int layer)
    {
        _width = layer == 0 ? SentenceEncoderNet.EmbeddingWidth : SentenceEncoderNet.Width;
        _attentionNorm = weights.Norm(stream, layer, "", _width);
        _projections = weights.Projections(stream, layer, _width);
        _output = weights.Output(stream, layer, _width);
        _widen = layer == 0 ? weights.Widen(stream) : null;
        _feedForwardNorm = weights.Norm(stream, layer, "FFN/", SentenceEncoderNet.Width);
        _up = weights.FeedForward(stream, layer, 1, SentenceEncoderNet.Width, SentenceEncoderNet.FeedForwardWidth);
        _down = weights.FeedForward(stream, layer, 2, SentenceEncoderNet.FeedForwardWidth, SentenceEncoderNet.Width);
    }

    /// <param name="stream">Where to enqueue.</param>
    /// <param name="x">[T][in].</param>
    /// <param name="offsets">i32 [sentences + 1]: first row of each.</param>
    /// <param name="inspect">Sees queries and keys [T][heads][D], for tests; or null.</param>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x, DeviceTensor offsets, Action<DeviceTensor, DeviceTensor>? inspect)
    {
        var sum = Attend(stream, x, offsets, inspect);
        if (_widen is null) Kernels.Binary(stream, BinaryOp.Add, sum, x, sum);
        else
        {
            using var wide = _widen.Forward(stream, x);
            Kernels.Binary(stream, BinaryOp.Add, sum, wide, sum);
        }
        using var normed = Normalise(stream, sum, _feedForwardNorm);
        using var inner = _up.Forward(stream, normed);
        using var y = _down.Forward(stream, inner);
        Kernels.Binary(stream, BinaryOp.Add, sum, y, sum);
        return sum;
    }

    public void Dispose()
    {
        foreach (var (gamma, beta) in new[] { _attentionNorm, _feedForwardNorm })
        {
            gamma.Dispose();
            beta.Dispose();
        }
        foreach (var projection in _projections) projection.Dispose();
        _output.Dispose();
        _up.Dispose();
        _down.Dispose();
        _widen?.Dispose();
    }

    private DeviceTensor Attend(DeviceStream stream, DeviceTensor x, DeviceTensor offsets, Action<DeviceTensor, DeviceTensor>? inspect)
    {
        using var normed = Normalise(stream, x, _attentionNorm);
        using var queries = _projections[0].Forward(stream, normed);
        using var keys = _projections[1].Forward(stream, normed);
        using var values = _projections[2].Forward(stream, normed);
        using var joined = DeviceTensor.Allocate(stream, DType.Float32, queries.Shape);
        long[] heads = [x.Shape[0], SentenceEncoderNet.Heads, _width / SentenceEncoderNet.Heads];
        var (q, k, v, o) = (queries.Reshape(heads), keys.Reshape(heads), values.Reshape(heads), joined.Reshape(heads));
        inspect?.Invoke(q, k);
        Kernels.AttentionRagged(stream, new AttentionOptions(), q, k, v, offsets, offsets, o, lse: null);
        return _output.Forward(stream, joined);
    }

    private static DeviceTensor Normalise(DeviceStream stream, DeviceTensor x, (DeviceTensor Gamma, DeviceTensor Beta) norm)
    {
        var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        Kernels.LayerNorm(stream, new LayerNormOptions { Epsilon = 1e-6f }, x, residual: null, norm.Gamma, norm.Beta, sum: null, y);
        return y;
    }
}
