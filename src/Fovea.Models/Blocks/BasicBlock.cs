using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>activation(shortcut(x) + conv3x3(conv3x3(x))) (He et al., "Deep Residual Learning", 2015). The shortcut is a 1x1 convolution where
/// the size or the number of channels changes.</summary>
public sealed class BasicBlock : Module
{
    private readonly ConvNormActivation _first, _second;
    private readonly ConvNormActivation? _shortcut;
    private readonly Activation _activation;

    /// <summary>Makes the block.</summary>
    public BasicBlock(Initializer init, string name, int inChannels, int outChannels, int stride, ConvStyle style) : base(name)
    {
        _activation = style.Activation;
        _first = Add(ConvNormActivation.Same(init, $"{name}.conv1", inChannels, outChannels, 3, style, stride, normName: $"{name}.bn1"));
        _second = Add(ConvNormActivation.Same(init, $"{name}.conv2", outChannels, outChannels, 3, style.Linear, normName: $"{name}.bn2"));
        if (stride != 1 || inChannels != outChannels)
            _shortcut = Add(ConvNormActivation.Same(init, $"{name}.downsample.0", inChannels, outChannels, 1, style.Linear, stride, normName: $"{name}.downsample.1"));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) =>
        _second.Forward(_first.Forward(x)).Add(_shortcut is null ? x : _shortcut.Forward(x)).Activate(_activation);
}
