using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>What turns features into those of a corner (Law and Deng, "CornerNet", 2018): a corner often lies where nothing of the object is, so each
/// cell looks along its row and its column for the object's edges: relu(norm(conv(pool(f) + pool(g))) + norm(conv1x1(x))), then a
/// convolution.</summary>
internal sealed class CornerPooling : Module
{
    private readonly Corner _vertical, _horizontal;
    private readonly Activation _activation;
    private readonly ConvNormActivation _first, _second, _pooled, _shortcut, _output;

    public CornerPooling(Initializer init, string name, int channels, Corner vertical, Corner horizontal, ConvStyle style) : base(name)
    {
        (_vertical, _horizontal, _activation) = (vertical, horizontal, style.Activation);
        var half = channels / 2;
        _first = Add(ConvNormActivation.Same(init, $"{name}.p1_conv1", channels, half, 3, style));
        _second = Add(ConvNormActivation.Same(init, $"{name}.p2_conv1", channels, half, 3, style));
        _pooled = Add(ConvNormActivation.Same(init, $"{name}.p_conv1", half, channels, 3, style.Linear, normName: $"{name}.p_bn1"));
        _shortcut = Add(ConvNormActivation.Same(init, $"{name}.conv1", channels, channels, 1, style.Linear, normName: $"{name}.bn1"));
        _output = Add(ConvNormActivation.Same(init, $"{name}.conv2", channels, channels, 3, style));
    }

    public override Value Forward(Value x)
    {
        var pooled = _first.Forward(x).CornerPool(_vertical).Add(_second.Forward(x).CornerPool(_horizontal));
        return _output.Forward(_pooled.Forward(pooled).Add(_shortcut.Forward(x)).Activate(_activation));
    }
}
