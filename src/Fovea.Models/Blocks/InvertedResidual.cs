using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A 1x1 convolution to more channels, a depthwise convolution, a gate if wanted and a 1x1 convolution without activation to few
/// channels; x is added where the shape stays (Sandler et al., "MobileNetV2", 2018; Howard et al., "MobileNetV3", 2019).</summary>
public sealed class InvertedResidual : Module
{
    private readonly List<Module> _parts = [];
    private readonly bool _addsInput;

    /// <summary>Makes the block.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the block.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="expanded">Channels inside; as many as x has: there is no first convolution.</param>
    /// <param name="outChannels">Channels of y.</param>
    /// <param name="kernel">Of the depthwise convolution.</param>
    /// <param name="stride">Of the depthwise convolution.</param>
    /// <param name="squeezed">Numbers inside the gate; 0: no gate.</param>
    /// <param name="style">Normalisation and activation.</param>
    public InvertedResidual(Initializer init, string name, int inChannels, int expanded, int outChannels, int kernel, int stride, int squeezed, ConvStyle style)
        : base(name)
    {
        _addsInput = stride == 1 && inChannels == outChannels;
        if (expanded != inChannels) Next(path => ConvNormActivation.Same(init, $"{path}.0", inChannels, expanded, 1, style, normName: $"{path}.1"));
        Next(path => ConvNormActivation.Same(init, $"{path}.0", expanded, expanded, kernel, style, stride, groups: expanded, normName: $"{path}.1"));
        if (squeezed > 0) Next(path => new SqueezeExcite(init, path, expanded, squeezed));
        Next(path => ConvNormActivation.Same(init, $"{path}.0", expanded, outChannels, 1, style.Linear, normName: $"{path}.1"));

        void Next(Func<string, Module> part) => _parts.Add(Add(part($"{name}.block.{_parts.Count}")));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var y = _parts.Aggregate(x, (value, part) => part.Forward(value));
        return _addsInput ? x.Add(y) : y;
    }
}
