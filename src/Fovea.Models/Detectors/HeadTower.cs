using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>A row of 3x3 convolutions that keep channels and size, the first part of a dense head (RetinaNet, FCOS, VarifocalNet). Weights
/// begin with a deviation of 0.01; names count convolution, normalisation and activation, as torchvision's do.</summary>
public sealed class HeadTower : Module
{
    private readonly ConvNormActivation[] _layers;

    /// <summary>Makes the row; it may have no convolution at all.</summary>
    public HeadTower(Initializer init, string name, int channels, int count, ConvStyle style) : base(name) =>
        _layers = [.. Enumerable.Range(0, count).Select(i => Add(
            ConvNormActivation.Same(init, $"{name}.{3 * i}", channels, channels, 3, style, normName: $"{name}.{3 * i + 1}", initialWeights: InitialWeights.SmallNormal)))];

    /// <inheritdoc/>
    public override Value Forward(Value x) => _layers.Aggregate(x, (y, layer) => layer.Forward(y));
}
