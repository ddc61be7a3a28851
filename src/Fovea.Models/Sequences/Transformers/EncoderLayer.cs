using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Self-attention, then a feed-forward block, each inside a residual sum.</summary>
public sealed class EncoderLayer : Module
{
    /// <summary>Draws the weights.</summary>
    public EncoderLayer(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        Attention = Add(new MultiHeadAttention(stream, $"{name}.attention", options, random));
        AttentionResidual = Add(new Residual(stream, $"{name}.attention", options));
        FeedForward = Add(new FeedForward(stream, $"{name}.feed_forward", options, random));
        FeedForwardResidual = Add(new Residual(stream, $"{name}.feed_forward", options));
    }

    /// <summary>Self-attention.</summary>
    public MultiHeadAttention Attention { get; }

    /// <summary>The sum around it.</summary>
    public Residual AttentionResidual { get; }

    /// <summary>The block behind it.</summary>
    public FeedForward FeedForward { get; }

    /// <summary>The sum around that.</summary>
    public Residual FeedForwardResidual { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x) => Forward(x, lengths: default, rotary: null);

    /// <summary>x [B][L][width]; lengths i32 [B], positions that count as keys, or absent.</summary>
    public Value Forward(Value x, Value lengths, RotaryPositions? rotary)
    {
        x = AttentionResidual.Forward(x, inner => Attention.Forward(inner, inner, lengths, causal: false, rotary));
        return FeedForwardResidual.Forward(x, FeedForward.Forward);
    }
}
