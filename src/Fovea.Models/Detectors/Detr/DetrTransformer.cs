using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>DETR's encoder and decoder. The norm at the decoder's end is applied to what comes out of every layer, so that each can be
/// asked for objects; the encoder has none.</summary>
public sealed class DetrTransformer : Module
{
    private readonly DetrEncoderLayer[] _encoder;
    private readonly DetrDecoderLayer[] _decoder;
    private readonly LayerNorm _norm;

    /// <summary>Draws the weights.</summary>
    public DetrTransformer(Initializer init, string name, DetrOptions options) : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        _encoder = [.. Enumerable.Range(0, options.EncoderLayers).Select(i => Add(new DetrEncoderLayer(init, $"{name}.encoder.layers.{i}", options)))];
        _decoder = [.. Enumerable.Range(0, options.DecoderLayers).Select(i => Add(new DetrDecoderLayer(init, $"{name}.decoder.layers.{i}", options)))];
        _norm = Add(new LayerNorm(init, $"{name}.decoder.norm", options.Width));
    }

    /// <summary>Not alone: queries and positions are needed.</summary>
    public override Value Forward(Value x) => throw new NotSupportedException($"{Name} needs positions and queries");

    /// <summary>What the queries become in each decoder layer, [B][N][width], and the encoded image [B][P][width].</summary>
    /// <param name="cells">The image, [B][P][width].</param>
    /// <param name="positions">Of the cells: [P][width] or [B][P][width].</param>
    /// <param name="queries">[N][width].</param>
    /// <param name="lengths">i32 [B], how many of the first cells show the image, or absent for all.</param>
    public (Value[] States, Value Memory) Forward(Value cells, Value positions, Value queries, Value lengths = default)
    {
        var memory = _encoder.Aggregate(cells, (x, layer) => layer.Forward(x, positions, lengths));
        var keys = memory.Add(positions);
        var states = new Value[_decoder.Length];
        var x = cells.Tape.Detach(queries).Affine(0).Repeat(0, cells.Shape[0]); // the first layer starts from zeros
        for (var i = 0; i < states.Length; i++)
        {
            x = _decoder[i].Forward(x, queries, keys, memory, lengths);
            states[i] = _norm.Forward(x);
        }
        return (states, memory);
    }
}
