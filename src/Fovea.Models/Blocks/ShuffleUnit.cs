using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>One half of the channels goes around, the other through 1x1, depthwise 3x3 and 1x1 convolutions; then the halves are
/// interleaved (Ma et al., "ShuffleNet V2", 2018). With stride 2 both halves are made of the whole x by convolutions.</summary>
public sealed class ShuffleUnit : Module
{
    private readonly int _half, _stride;
    private readonly Module[] _around, _through;

    /// <summary>Makes the unit.</summary>
    public ShuffleUnit(Initializer init, string name, int inChannels, int outChannels, int stride, ConvStyle style) : base(name)
    {
        if (outChannels % 2 != 0 || (stride == 1 && inChannels != outChannels))
            throw new ArgumentException($"{name}: {inChannels} to {outChannels} channels with stride {stride}", nameof(outChannels));
        (_half, _stride) = (outChannels / 2, stride);
        var channels = stride == 1 ? _half : inChannels;
        _around = stride == 1 ? [] :
        [
            Add(Depthwise($"{name}.branch1", 0, channels)),
            Add(Pointwise($"{name}.branch1", 2, channels)),
        ];
        _through =
        [
            Add(Pointwise($"{name}.branch2", 0, channels)),
            Add(Depthwise($"{name}.branch2", 3, _half)),
            Add(Pointwise($"{name}.branch2", 5, _half)),
        ];

        // Numbered as in torchvision, where activations count.
        ConvNormActivation Depthwise(string branch, int at, int count) =>
            ConvNormActivation.Same(init, $"{branch}.{at}", count, count, 3, style.Linear, stride, groups: count, normName: $"{branch}.{at + 1}");

        ConvNormActivation Pointwise(string branch, int at, int count) =>
            ConvNormActivation.Same(init, $"{branch}.{at}", count, _half, 1, style, normName: $"{branch}.{at + 1}");
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var around = _stride == 1 ? x.Columns(0, _half).Concat() : Run(_around, x);
        var through = Run(_through, _stride == 1 ? x.Columns(_half, _half) : x);
        // Columns of single elements side by side are the two halves interleaved.
        return around.Reshape(-1, 1).Concat(through.Reshape(-1, 1)).Reshape([.. through.Shape[..^1], 2 * _half]);
    }

    private static Value Run(Module[] parts, Value x) => parts.Aggregate(x, (value, part) => part.Forward(value));
}
