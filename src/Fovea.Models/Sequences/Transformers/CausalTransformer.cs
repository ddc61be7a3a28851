using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>A decoder alone: each position gives the logits of the next token.</summary>
public sealed class CausalTransformer : Module, IDecoderModel
{
    /// <summary>Draws the weights.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit together, or there is an encoder.</exception>
    public CausalTransformer(DeviceStream stream, TransformerOptions options, int seed = 0)
        : base("")
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options.Validated();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.DecoderLayers, 1);
        if (options.EncoderLayers > 0) throw new ArgumentException("a causal transformer has no encoder", nameof(options));
        var random = new Random(seed);
        Embedding = Add(new TokenEmbedding(stream, "embedding", options, random));
        Decoder = Add(new Decoder(stream, "decoder", options, random));
    }

    /// <inheritdoc/>
    public TransformerOptions Options { get; }

    /// <inheritdoc/>
    public TokenEmbedding Embedding { get; }

    /// <inheritdoc/>
    public Decoder Decoder { get; }

    /// <summary>Tokens [B][L], i32 or i64, to logits [B][L][vocabulary].</summary>
    public override Value Forward(Value x) => Embedding.Logits(Decoder.Forward(Embedding.Forward(x)));
}
