using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Two products with a function between them, for each position alone: down(f(up x)), or down(silu(gate x) * up x).</summary>
public sealed class FeedForward : Module
{
    /// <summary>Draws the weights.</summary>
    public FeedForward(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        var (width, inner, bias) = (options.Width, options.FeedForwardWidth, options.HasBias);
        if (options.FeedForward == FeedForwardKind.SwiGlu) Gate = Add(new Dense(stream, $"{name}.gate", width, inner, bias, random));
        Up = Add(new Dense(stream, $"{name}.up", width, inner, bias, random));
        Down = Add(new Dense(stream, $"{name}.down", inner, width, bias, random));
        Activation = options.FeedForward switch
        {
            FeedForwardKind.Relu => Activation.Relu,
            FeedForwardKind.Gelu => Activation.Gelu,
            _ => Activation.Silu,
        };
    }

    /// <summary>Function behind <see cref="Gate"/>, else behind <see cref="Up"/>.</summary>
    public Activation Activation { get; }

    /// <summary>The product that gates, or null.</summary>
    public Dense? Gate { get; }

    /// <summary>Width to inner width.</summary>
    public Dense Up { get; }

    /// <summary>Inner width to width.</summary>
    public Dense Down { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var up = Up.Forward(x);
        return Down.Forward(Gate is null ? up.Activate(Activation) : Gate.Forward(x).Activate(Activation).Multiply(up));
    }
}
