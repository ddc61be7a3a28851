using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A depthwise 3x3 convolution, then a 1x1 convolution, each with normalisation and activation (Howard et al., "MobileNets",
/// 2017).</summary>
public sealed class SeparableBlock : Module
{
    private readonly ConvNormActivation _depthwise, _pointwise;

    /// <summary>Makes the block.</summary>
    public SeparableBlock(Initializer init, string name, int inChannels, int outChannels, int stride, ConvStyle style) : base(name)
    {
        _depthwise = Add(ConvNormActivation.Same(init, $"{name}.depthwise", inChannels, inChannels, 3, style, stride, groups: inChannels));
        _pointwise = Add(ConvNormActivation.Same(init, $"{name}.pointwise", inChannels, outChannels, 1, style));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => _pointwise.Forward(_depthwise.Forward(x));
}
