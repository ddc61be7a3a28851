using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Self-attention of the object queries, then attention to the image; norms behind the sums.</summary>
internal sealed class DetrDecoderLayer : Module
{
    private readonly SetAttention _self, _cross;
    private readonly LayerNorm _selfNorm, _crossNorm;
    private readonly SetFeedForward _feedForward;
    private readonly float _dropout;

    public DetrDecoderLayer(Initializer init, string name, DetrOptions options) : base(name)
    {
        _dropout = options.Dropout;
        _self = Add(new SetAttention(init, $"{name}.self_attn", options.Width, options.Heads));
        _selfNorm = Add(new LayerNorm(init, $"{name}.norm1", options.Width));
        _cross = Add(new SetAttention(init, $"{name}.multihead_attn", options.Width, options.Heads));
        _crossNorm = Add(new LayerNorm(init, $"{name}.norm2", options.Width));
        _feedForward = Add(new SetFeedForward(init, name, options, "norm3"));
    }

    public override Value Forward(Value x) => throw new NotSupportedException($"{Name} needs an image");

    /// <summary>x [B][N][width]; queries [N][width], what tells them apart; keys, the image with its positions, and values, the image itself,
    /// [B][P][width]; key lengths i32 [B] or absent.</summary>
    public Value Forward(Value x, Value queries, Value keys, Value values, Value keyLengths)
    {
        var dropout = IsTraining ? _dropout : 0;
        var named = x.Add(queries);
        x = _selfNorm.Forward(x.Add(_self.Forward(named, named, x).Dropout(dropout)));
        x = _crossNorm.Forward(x.Add(_cross.Forward(x.Add(queries), keys, values, keyLengths).Dropout(dropout)));
        return _feedForward.Forward(x);
    }
}
