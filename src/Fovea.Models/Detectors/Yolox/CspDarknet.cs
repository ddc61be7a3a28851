using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The backbone of YOLOX: space to depth, then stages of a convolution of stride 2 and a <see cref="CspLayer"/>; spatial pyramid
/// pooling in the last one. Levels of stride 8, 16 and 32.</summary>
internal sealed class CspDarknet : Backbone
{
    private readonly Module _stem;
    private readonly Module[] _stages;

    /// <param name="parts">Makes the convolutions.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="width">Channels of the stem; they double with each stage.</param>
    /// <param name="depth">Blocks of the first and last stage; the others have three times as many.</param>
    public CspDarknet(YoloxParts parts, string name, int width, int depth) : base(name)
    {
        _stem = Add(new YoloxParts.Sequence($"{name}.stem", new SpaceToDepth($"{name}.stem"), parts.Plain($"{name}.stem.conv", 12, width, 3)));
        _stages = new Module[4];
        for (var i = 0; i < 4; i++)
        {
            var (stage, channels, isLast) = ($"{name}.dark{i + 2}", width << (i + 1), i == 3);
            var layers = new List<Module> { parts.Wide($"{stage}.0", width << i, channels, stride: 2) };
            if (isLast)
            {
                layers.Add(parts.Plain($"{stage}.1.conv1", channels, channels / 2));
                layers.Add(new SpatialPyramidPooling($"{stage}.1.m", inputFirst: true));
                layers.Add(parts.Plain($"{stage}.1.conv2", 2 * channels, channels));
            }
            layers.Add(new CspLayer(parts, $"{stage}.{(isLast ? 2 : 1)}", channels, channels, i is 1 or 2 ? 3 * depth : depth, addsInput: !isLast));
            _stages[i] = Add(new YoloxParts.Sequence(stage, [.. layers]));
        }
        (LevelChannels, LevelStrides) = ([width << 2, width << 3, width << 4], [8, 16, 32]);
    }

    public override IReadOnlyList<Value> Levels(Value image)
    {
        var levels = new List<Value>();
        var x = _stem.Forward(image);
        for (var i = 0; i < _stages.Length; i++)
        {
            x = _stages[i].Forward(x);
            if (i > 0) levels.Add(x);
        }
        return levels;
    }
}
