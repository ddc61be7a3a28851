using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>activation(shortcut(x) + conv1x1(conv3x3(conv1x1(x)))) with a quarter of the channels inside (He et al., "Deep Residual Learning",
/// 2015). The stride is that of the 3x3 convolution, as in torchvision; the paper has it in the first 1x1.</summary>
public sealed class Bottleneck : Module
{
    /// <summary>Channels that come out for each channel inside.</summary>
    public const int Expansion = 4;

    private readonly ConvNormActivation _narrow, _spatial, _wide;
    private readonly ConvNormActivation? _shortcut;
    private readonly Activation _activation;

    /// <summary>Makes the block.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the block.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="width">Channels inside.</param>
    /// <param name="stride">Of the 3x3 convolution.</param>
    /// <param name="style">Normalisation and activation.</param>
    public Bottleneck(Initializer init, string name, int inChannels, int width, int stride, ConvStyle style) : base(name)
    {
        _activation = style.Activation;
        var outChannels = width * Expansion;
        _narrow = Add(ConvNormActivation.Same(init, $"{name}.conv1", inChannels, width, 1, style, normName: $"{name}.bn1"));
        _spatial = Add(ConvNormActivation.Same(init, $"{name}.conv2", width, width, 3, style, stride, normName: $"{name}.bn2"));
        _wide = Add(ConvNormActivation.Same(init, $"{name}.conv3", width, outChannels, 1, style.Linear, normName: $"{name}.bn3"));
        if (stride != 1 || inChannels != outChannels)
            _shortcut = Add(ConvNormActivation.Same(init, $"{name}.downsample.0", inChannels, outChannels, 1, style.Linear, stride, normName: $"{name}.downsample.1"));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) =>
        _wide.Forward(_spatial.Forward(_narrow.Forward(x))).Add(_shortcut is null ? x : _shortcut.Forward(x)).Activate(_activation);
}
