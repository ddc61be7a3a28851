using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Self-attention of the cells of an image, whose positions are added to queries and keys; norms behind the sums.</summary>
internal sealed class DetrEncoderLayer : Module
{
    private readonly SetAttention _attention;
    private readonly LayerNorm _norm;
    private readonly SetFeedForward _feedForward;
    private readonly float _dropout;

    public DetrEncoderLayer(Initializer init, string name, DetrOptions options) : base(name)
    {
        _dropout = options.Dropout;
        _attention = Add(new SetAttention(init, $"{name}.self_attn", options.Width, options.Heads));
        _norm = Add(new LayerNorm(init, $"{name}.norm1", options.Width));
        _feedForward = Add(new SetFeedForward(init, name, options, "norm2"));
    }

    public override Value Forward(Value x) => throw new NotSupportedException($"{Name} needs positions");

    /// <summary>x [B][P][width]; positions of that shape, or [P][width]; key lengths i32 [B] or absent.</summary>
    public Value Forward(Value x, Value positions, Value keyLengths)
    {
        var placed = x.Add(positions);
        var seen = _attention.Forward(placed, placed, x, keyLengths).Dropout(IsTraining ? _dropout : 0);
        return _feedForward.Forward(_norm.Forward(x.Add(seen)));
    }
}
