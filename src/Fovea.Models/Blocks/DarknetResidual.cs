using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>x + conv3x3(conv1x1(x)) with half of the channels inside and no activation behind the sum (Redmon and Farhadi, "YOLOv3",
/// 2018).</summary>
public sealed class DarknetResidual : Module
{
    private readonly ConvNormActivation _narrow, _wide;

    /// <summary>Makes the block.</summary>
    public DarknetResidual(Initializer init, string name, int channels, ConvStyle style) : base(name)
    {
        _narrow = Add(ConvNormActivation.Same(init, $"{name}.conv1", channels, channels / 2, 1, style));
        _wide = Add(ConvNormActivation.Same(init, $"{name}.conv2", channels / 2, channels, 3, style));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Add(_wide.Forward(_narrow.Forward(x)));
}
