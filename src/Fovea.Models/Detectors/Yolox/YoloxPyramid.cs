using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The path aggregation of YOLOX: coarse to fine, then back, joining by concatenation and a <see cref="CspLayer"/>. The levels keep the
/// backbone's channels.</summary>
internal sealed class YoloxPyramid : Backbone
{
    private static readonly ResizeOptions Nearest = new() { Mode = ResizeMode.Nearest };

    private readonly Backbone _backbone;
    private readonly ConvNormActivation _lateral, _reduce;
    private readonly CspLayer _up4, _up3, _down3, _down4;
    private readonly Module _half3, _half4;

    /// <param name="parts">Makes the convolutions.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="backbone">Three levels, each with twice the channels of the one before; disposed with the pyramid.</param>
    /// <param name="depth">Blocks of each layer.</param>
    public YoloxPyramid(YoloxParts parts, string name, Backbone backbone, int depth) : base(name)
    {
        _backbone = Add(backbone);
        (LevelChannels, LevelStrides) = (backbone.LevelChannels, backbone.LevelStrides);
        var (fine, middle, coarse) = (LevelChannels[0], LevelChannels[1], LevelChannels[2]);
        _lateral = Add(parts.Plain($"{name}.lateral_conv0", coarse, middle));
        _up4 = Add(new CspLayer(parts, $"{name}.C3_p4", 2 * middle, middle, depth, addsInput: false));
        _reduce = Add(parts.Plain($"{name}.reduce_conv1", middle, fine));
        _up3 = Add(new CspLayer(parts, $"{name}.C3_p3", 2 * fine, fine, depth, addsInput: false));
        _half3 = Add(parts.Wide($"{name}.bu_conv2", fine, fine, stride: 2));
        _down3 = Add(new CspLayer(parts, $"{name}.C3_n3", 2 * fine, middle, depth, addsInput: false));
        _half4 = Add(parts.Wide($"{name}.bu_conv1", middle, middle, stride: 2));
        _down4 = Add(new CspLayer(parts, $"{name}.C3_n4", 2 * middle, coarse, depth, addsInput: false));
    }

    public override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = _backbone.Levels(image);
        var lateral = _lateral.Forward(levels[2]);
        var reduced = _reduce.Forward(_up4.Forward(Doubled(lateral, levels[1]).Concat(levels[1])));
        var fine = _up3.Forward(Doubled(reduced, levels[0]).Concat(levels[0]));
        var middle = _down3.Forward(_half3.Forward(fine).Concat(reduced));
        return [fine, middle, _down4.Forward(_half4.Forward(middle).Concat(lateral))];
    }

    private static Value Doubled(Value x, Value finer) => x.Resize(Nearest, finer.Shape[1], finer.Shape[2]);
}
