namespace Fovea.Models.Sequences.Transformers;

/// <summary>Sizes and variants of a transformer. The defaults are those of Vaswani et al., "Attention Is All You Need", 2017: norms behind
/// the residual sum, ReLU, biases everywhere, sinusoidal positions, one table for both embeddings and the output.</summary>
public sealed record TransformerOptions
{
    /// <summary>Number of tokens.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Numbers per position, a multiple of <see cref="Heads"/>.</summary>
    public required int Width { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads, a divisor of <see cref="Heads"/> (grouped-query attention); 0: as many.</summary>
    public int KeyValueHeads { get; init; }

    /// <summary>Numbers per position inside a feed-forward block.</summary>
    public required int FeedForwardWidth { get; init; }

    /// <summary>Layers of the encoder; 0: a decoder alone, whose layers have no cross-attention.</summary>
    public int EncoderLayers { get; init; }

    /// <summary>Layers of the decoder.</summary>
    public int DecoderLayers { get; init; }

    /// <summary>Function between the products of a feed-forward block.</summary>
    public FeedForwardKind FeedForward { get; init; }

    /// <summary>Norms stand in front of attention and feed-forward blocks, and one more at the end of each stack.</summary>
    public bool NormFirst { get; init; }

    /// <summary>Root-mean-square norms without a shift in place of layer norms.</summary>
    public bool RmsNorm { get; init; }

    /// <summary>Added to the variance: 1e-5 by habit of PyTorch, 1e-6 of Tensor2Tensor.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Whether products add a bias.</summary>
    public bool HasBias { get; init; } = true;

    /// <summary>How positions are told apart.</summary>
    public PositionKind Positions { get; init; } = PositionKind.Sinusoidal;

    /// <summary>Longest sequence. Limits every kind of position but <see cref="PositionKind.None"/>.</summary>
    public int MaxLength { get; init; } = 512;

    /// <summary>Base of the rotary frequencies.</summary>
    public float RotaryBase { get; init; } = 10000;

    /// <summary>Whether embeddings are multiplied by the root of <see cref="Width"/>.</summary>
    public bool ScalesEmbedding { get; init; } = true;

    /// <summary>Share of elements that training drops, behind the embedding and behind each block.</summary>
    public float Dropout { get; init; }

    /// <summary>Numbers per head.</summary>
    public int HeadSize => Width / Heads;

    /// <summary>Key and value heads, resolved.</summary>
    public int Groups => KeyValueHeads == 0 ? Heads : KeyValueHeads;

    /// <summary>The base model of the paper: 65 million parameters with its vocabulary of 37,000.</summary>
    public static TransformerOptions Base(int vocabulary) => new()
    {
        Vocabulary = vocabulary,
        Width = 512,
        Heads = 8,
        FeedForwardWidth = 2048,
        EncoderLayers = 6,
        DecoderLayers = 6,
        Dropout = 0.1f,
        NormEpsilon = 1e-6f,
    };

    /// <summary>The big model of the paper: 213 million parameters.</summary>
    public static TransformerOptions Big(int vocabulary) =>
        Base(vocabulary) with { Width = 1024, Heads = 16, FeedForwardWidth = 4096, Dropout = 0.3f };

    /// <summary>Trained numbers of the whole model, each shared table counted once.</summary>
    public long ParameterCount
    {
        get
        {
            var (encoder, decoder) = (AttentionParameters + FeedForwardParameters + 2 * NormParameters,
                (EncoderLayers > 0 ? 2 : 1) * (AttentionParameters + NormParameters) + FeedForwardParameters + NormParameters);
            var stacks = (EncoderLayers > 0 ? 1 : 0) + (DecoderLayers > 0 ? 1 : 0);
            return (long)Vocabulary * Width + (Positions == PositionKind.Learned ? (long)MaxLength * Width : 0)
                + EncoderLayers * encoder + DecoderLayers * decoder + (NormFirst ? stacks * NormParameters : 0);
        }
    }

    private long NormParameters => RmsNorm ? Width : 2L * Width;

    private long AttentionParameters => 2 * Product(Width, Width) + 2 * Product(Width, Groups * HeadSize);

    private long FeedForwardParameters =>
        (FeedForward == FeedForwardKind.SwiGlu ? 2 : 1) * Product(Width, FeedForwardWidth) + Product(FeedForwardWidth, Width);

    private long Product(long from, long to) => from * to + (HasBias ? to : 0);

    /// <summary>Throws unless the sizes fit together.</summary>
    internal TransformerOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Vocabulary, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Heads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(FeedForwardWidth, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(EncoderLayers);
        ArgumentOutOfRangeException.ThrowIfNegative(DecoderLayers);
        ArgumentOutOfRangeException.ThrowIfNegative(KeyValueHeads);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLength, 1);
        if (Width % Heads != 0) throw new ArgumentException($"a width of {Width} does not divide into {Heads} heads");
        if (Heads % Groups != 0) throw new ArgumentException($"{Heads} query heads do not share {Groups} key heads evenly");
        if (Positions == PositionKind.Rotary && HeadSize % 2 != 0)
            throw new ArgumentException($"rotary positions need an even head size, not {HeadSize}");
        if (Positions is PositionKind.Sinusoidal or PositionKind.SinusoidalConcatenated && Width % 2 != 0)
            throw new ArgumentException($"sinusoidal positions need an even width, not {Width}");
        return this;
    }
}
