using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>A stack of <see cref="DecoderLayer"/>, with a norm at its end where norms come first.</summary>
public sealed class Decoder : Module
{
    /// <summary>Draws the weights.</summary>
    public Decoder(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        Layers = [.. Enumerable.Range(0, options.DecoderLayers)
            .Select(i => Add(new DecoderLayer(stream, $"{name}.layer{i}", options, random)))];
        if (options.NormFirst) FinalNorm = Add(new Norm(stream, $"{name}.norm", options));
        if (options.Positions == PositionKind.Rotary)
            Rotary = Add(new RotaryPositions(stream, $"{name}.rotary", options.HeadSize, options.MaxLength, options.RotaryBase));
    }

    /// <summary>First to last.</summary>
    public IReadOnlyList<DecoderLayer> Layers { get; }

    /// <summary>The norm at the end, or null.</summary>
    public Norm? FinalNorm { get; }

    /// <summary>Turns queries and keys, or null.</summary>
    public RotaryPositions? Rotary { get; }

    /// <summary>A decoder without an encoder.</summary>
    public override Value Forward(Value x) => Forward(x, memory: default);

    /// <summary>x [B][L][width]; memory [B][M][width] and i32 [B], its positions that count, where there is an encoder.</summary>
    public Value Forward(Value x, Value memory, Value memoryLengths = default)
    {
        foreach (var layer in Layers) x = layer.Forward(x, memory, memoryLengths, Rotary);
        return FinalNorm?.Forward(x) ?? x;
    }
}
