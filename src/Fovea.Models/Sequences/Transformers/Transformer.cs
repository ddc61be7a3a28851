using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Encoder and decoder over one vocabulary (Vaswani et al., "Attention Is All You Need", 2017): source, target and output share
/// one embedding table.</summary>
public sealed class Transformer : Module, IDecoderModel
{
    /// <summary>Draws the weights.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit together, or there is no encoder or decoder.</exception>
    public Transformer(DeviceStream stream, TransformerOptions options, int seed = 0)
        : base("")
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options.Validated();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.EncoderLayers, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.DecoderLayers, 1);
        var random = new Random(seed);
        Embedding = Add(new TokenEmbedding(stream, "embedding", options, random));
        Encoder = Add(new Encoder(stream, "encoder", options, random));
        Decoder = Add(new Decoder(stream, "decoder", options, random));
    }

    /// <inheritdoc/>
    public TransformerOptions Options { get; }

    /// <inheritdoc/>
    public TokenEmbedding Embedding { get; }

    /// <summary>Reads the source.</summary>
    public Encoder Encoder { get; }

    /// <inheritdoc/>
    public Decoder Decoder { get; }

    /// <summary>The encoder alone: source tokens [B][S] to its output [B][S][width].</summary>
    public override Value Forward(Value x) => Encode(x);

    /// <summary>Source tokens [B][S], i32 or i64, to the encoder's output [B][S][width]; lengths i32 [B], or absent.</summary>
    public Value Encode(Value source, Value sourceLengths = default) => Encoder.Forward(Embedding.Forward(source), sourceLengths);

    /// <summary>Logits [B][T][vocabulary] of the token behind each target position.</summary>
    /// <param name="source">Tokens [B][S].</param>
    /// <param name="target">Tokens [B][T], the first a start sign.</param>
    /// <param name="sourceLengths">i32 [B], source positions that count, or absent.</param>
    public Value Forward(Value source, Value target, Value sourceLengths = default) =>
        Embedding.Logits(Decoder.Forward(Embedding.Forward(target), Encode(source, sourceLengths), sourceLengths));
}
