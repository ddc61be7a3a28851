using Fovea.Data;

namespace Fovea.Models.Sequences.Sentences;

/// <summary>The transformer of the Universal Sentence Encoder Lite (Cer et al., "Universal Sentence Encoder", 2018): two layers of four
/// heads over token embeddings, the mean over the tokens of a sentence, a dense layer with tanh, and the norm 1.</summary>
/// <remarks>The original pads sentences to the longest and masks the rest; here they lie behind each other, which gives the same numbers
/// without the padding's work. Immutable after construction.</remarks>
internal sealed class SentenceEncoderNet : IDisposable
{
    public const int Vocabulary = 8002, EmbeddingWidth = 256, Width = 512, FeedForwardWidth = 1536, Heads = 4;

    /// <summary>Tokens of a sentence that count.</summary>
    public const int MaxTokens = 128;

    private readonly DeviceTensor _embeddings; // [tokens][256]
    private readonly DeviceTensor _positions;  // [128][256]
    private readonly SentenceEncoderLayer[] _layers;
    private readonly LinearLayer _head;

    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public SentenceEncoderNet(DeviceStream stream, TfjsWeights weights)
    {
        var named = new SentenceWeights(weights);
        _embeddings = DeviceTensor.From<float>(stream, named.Embeddings, Vocabulary, EmbeddingWidth);
        _positions = DeviceTensor.From<float>(stream, Positions(named.Frequencies), MaxTokens, EmbeddingWidth);
        _layers = [new SentenceEncoderLayer(stream, named, 0), new SentenceEncoderLayer(stream, named, 1)];
        _head = named.Head(stream);
    }

    /// <summary>Enqueues the network over sentences that lie behind each other.</summary>
    /// <param name="stream">Where to enqueue.</param>
    /// <param name="tokens">i32 [T].</param>
    /// <param name="positions">i32 [T], position inside the sentence.</param>
    /// <param name="sentences">i32 [T], the sentence of each token.</param>
    /// <param name="offsets">i32 [N + 1], first token of each sentence.</param>
    /// <param name="counts">f32 [N][1], tokens of each sentence, at least 1.</param>
    /// <param name="inspect">Sees queries and keys of each layer, for tests.</param>
    /// <returns>[N][512], each of norm 1.</returns>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor tokens, DeviceTensor positions, DeviceTensor sentences,
        DeviceTensor offsets, DeviceTensor counts, Action<int, DeviceTensor, DeviceTensor>? inspect = null)
    {
        var x = Embed(stream, tokens, positions);
        for (var i = 0; i < _layers.Length; i++)
        {
            var (before, layer) = (x, i);
            x = _layers[i].Forward(stream, before, offsets, inspect is null ? null : (q, k) => inspect(layer, q, k));
            before.Dispose();
        }
        using var mean = DeviceTensor.Allocate(stream, DType.Float32, counts.Shape[0], Width);
        mean.Fill(stream, 0);
        Kernels.ScatterAddRows(stream, x, sentences, mean);
        x.Dispose();
        Kernels.Binary(stream, BinaryOp.Div, mean, counts, mean);
        var y = _head.Forward(stream, mean);
        using var norm = DeviceTensor.Allocate(stream, DType.Float32, counts.Shape);
        Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.L2, 1), y, norm);
        Kernels.Activate(stream, Activation.Clamp(1e-6f, float.MaxValue), norm, slope: null, norm);
        Kernels.Binary(stream, BinaryOp.Div, y, norm, y);
        return y;
    }

    public void Dispose()
    {
        _embeddings.Dispose();
        _positions.Dispose();
        foreach (var layer in _layers) layer.Dispose();
        _head.Dispose();
    }

    // Twice the embedding plus the position: the graph adds the embedding to its sum with the position.
    private DeviceTensor Embed(DeviceStream stream, DeviceTensor tokens, DeviceTensor positions)
    {
        var x = DeviceTensor.Allocate(stream, DType.Float32, tokens.Shape[0], EmbeddingWidth);
        Kernels.GatherRows(stream, _embeddings, tokens, x);
        using var added = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        Kernels.GatherRows(stream, _positions, positions, added);
        Kernels.Binary(stream, BinaryOp.Add, added, x, added);
        Kernels.Binary(stream, BinaryOp.Add, x, added, x);
        return x;
    }

    // All sines, then all cosines. The angles are f32 products as in the graph.
    private static float[] Positions(float[] frequencies)
    {
        var half = frequencies.Length;
        var table = new float[MaxTokens * 2 * half];
        for (var position = 0; position < MaxTokens; position++)
            for (var i = 0; i < half; i++)
            {
                var (sine, cosine) = Math.SinCos(position * frequencies[i]);
                (table[(position * 2 + 0) * half + i], table[(position * 2 + 1) * half + i]) = ((float)sine, (float)cosine);
            }
        return table;
    }
}
