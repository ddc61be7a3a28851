using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>norm(x + linear2(relu(linear1(x)))): the end of DETR's layers.</summary>
internal sealed class SetFeedForward : Module
{
    private readonly Dense _wide, _narrow;
    private readonly LayerNorm _norm;
    private readonly float _dropout;

    public SetFeedForward(Initializer init, string name, DetrOptions options, string norm) : base(name)
    {
        var (width, inner) = (options.Width, options.FeedForwardWidth);
        _dropout = options.Dropout;
        _wide = Add(new Dense($"{name}.linear1", init.XavierUniform(inner, width), init.Constant(0, inner), Activation.Relu));
        _narrow = Add(new Dense($"{name}.linear2", init.XavierUniform(width, inner), init.Constant(0, width)));
        _norm = Add(new LayerNorm(init, $"{name}.{norm}", width));
    }

    public override Value Forward(Value x)
    {
        var dropout = IsTraining ? _dropout : 0;
        return _norm.Forward(x.Add(_narrow.Forward(_wide.Forward(x).Dropout(dropout)).Dropout(dropout)));
    }
}
