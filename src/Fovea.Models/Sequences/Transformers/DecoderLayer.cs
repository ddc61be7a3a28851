using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Causal self-attention, cross-attention where there is an encoder, and a feed-forward block, each inside a residual
/// sum.</summary>
public sealed class DecoderLayer : Module
{
    /// <summary>Draws the weights.</summary>
    public DecoderLayer(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        Attention = Add(new MultiHeadAttention(stream, $"{name}.attention", options, random));
        AttentionResidual = Add(new Residual(stream, $"{name}.attention", options));
        if (options.EncoderLayers > 0)
        {
            Cross = Add(new MultiHeadAttention(stream, $"{name}.cross", options, random));
            CrossResidual = Add(new Residual(stream, $"{name}.cross", options));
        }
        FeedForward = Add(new FeedForward(stream, $"{name}.feed_forward", options, random));
        FeedForwardResidual = Add(new Residual(stream, $"{name}.feed_forward", options));
    }

    /// <summary>Causal self-attention.</summary>
    public MultiHeadAttention Attention { get; }

    /// <summary>The sum around it.</summary>
    public Residual AttentionResidual { get; }

    /// <summary>Attention to the encoder's output, or null.</summary>
    public MultiHeadAttention? Cross { get; }

    /// <summary>The sum around it, or null.</summary>
    public Residual? CrossResidual { get; }

    /// <summary>The block at the end.</summary>
    public FeedForward FeedForward { get; }

    /// <summary>The sum around it.</summary>
    public Residual FeedForwardResidual { get; }

    /// <summary>A layer without cross-attention.</summary>
    public override Value Forward(Value x) => Forward(x, memory: default, memoryLengths: default, rotary: null);

    /// <summary>x [B][L][width]; memory [B][M][width] and i32 [B], its positions that count, where the layer looks at an
    /// encoder.</summary>
    /// <exception cref="ArgumentException">The layer wants a memory and gets none, or the other way round.</exception>
    public Value Forward(Value x, Value memory, Value memoryLengths, RotaryPositions? rotary)
    {
        if (memory.IsPresent != (Cross is not null))
        {
            var has = Cross is null ? "no" : "a";
            throw new ArgumentException($"{Name} has {has} cross-attention, its memory is {memory}", nameof(memory));
        }
        x = AttentionResidual.Forward(x, inner => Attention.Forward(inner, inner, keyLengths: default, causal: true, rotary));
        if (Cross is not null) x = CrossResidual!.Forward(x, inner => Cross.Forward(inner, memory, memoryLengths));
        return FeedForwardResidual.Forward(x, FeedForward.Forward);
    }
}
