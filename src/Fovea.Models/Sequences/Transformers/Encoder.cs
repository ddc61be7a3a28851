using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>A stack of <see cref="EncoderLayer"/>, with a norm at its end where norms come first.</summary>
public sealed class Encoder : Module
{
    /// <summary>Draws the weights.</summary>
    public Encoder(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        Layers = [.. Enumerable.Range(0, options.EncoderLayers)
            .Select(i => Add(new EncoderLayer(stream, $"{name}.layer{i}", options, random)))];
        if (options.NormFirst) FinalNorm = Add(new Norm(stream, $"{name}.norm", options));
        if (options.Positions == PositionKind.Rotary)
            Rotary = Add(new RotaryPositions(stream, $"{name}.rotary", options.HeadSize, options.MaxLength, options.RotaryBase));
    }

    /// <summary>First to last.</summary>
    public IReadOnlyList<EncoderLayer> Layers { get; }

    /// <summary>The norm at the end, or null.</summary>
    public Norm? FinalNorm { get; }

    /// <summary>Turns queries and keys, or null.</summary>
    public RotaryPositions? Rotary { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x) => Forward(x, lengths: default);

    /// <summary>x [B][L][width]; lengths i32 [B], or absent. Positions behind a length hold numbers without meaning.</summary>
    public Value Forward(Value x, Value lengths)
    {
        foreach (var layer in Layers) x = layer.Forward(x, lengths, Rotary);
        return FinalNorm?.Forward(x) ?? x;
    }
}
