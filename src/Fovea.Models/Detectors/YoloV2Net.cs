using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of YOLOv2 (Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger", 2016): a backbone, whose last but one level
/// joins the last one as more channels (passthrough), and a convolution that codes a box for every anchor of every cell.</summary>
public sealed class YoloV2Net : Module
{
    private readonly Backbone _backbone;
    private readonly Module[] _deep;
    private readonly Module _narrow, _passthrough, _joint;
    private readonly PredictionConv _predictions;

    /// <summary>Puts the head over a backbone.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="backbone">Its last two levels are used, of which the second has half the size of the first; disposed with the
    /// network.</param>
    /// <param name="anchors">Width and height of each anchor, in pixels.</param>
    /// <param name="classes">C.</param>
    /// <param name="narrowChannels">Channels of the finer level that pass through, before they become four times as many.</param>
    /// <param name="deepConvs">3x3 convolutions behind the backbone.</param>
    /// <param name="style">Of all convolutions but the last.</param>
    public YoloV2Net(Initializer init, Backbone backbone, IReadOnlyList<(float Width, float Height)> anchors, int classes, int narrowChannels,
        int deepConvs, ConvStyle style) : base("")
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(anchors);
        _backbone = Add(backbone);
        var (fine, channels) = (backbone.LevelChannels[^2], backbone.LevelChannels[^1]);
        _deep = [.. Enumerable.Range(0, deepConvs).Select(i => Add(ConvNormActivation.Same(init, $"head.deep.{i}", channels, channels, 3, style)))];
        _narrow = Add(ConvNormActivation.Same(init, "head.narrow", fine, narrowChannels, 1, style));
        _passthrough = Add(new SpaceToDepth("head.passthrough"));
        _joint = Add(ConvNormActivation.Same(init, "head.joint", 4 * narrowChannels + channels, channels, 3, style));
        _predictions = Add(new PredictionConv(init, "head.predictions", channels, anchors.Count * (5 + classes), kernel: 1));
        (Anchors, ClassCount, Stride) = ([.. anchors], classes, backbone.LevelStrides[^1]);
    }

    /// <summary>Width and height of each anchor, in pixels.</summary>
    public IReadOnlyList<(float Width, float Height)> Anchors { get; }

    /// <summary>C.</summary>
    public int ClassCount { get; }

    /// <summary>Pixels from cell to cell.</summary>
    public int Stride { get; }

    /// <summary>That of yolov2.cfg for COCO: Darknet-19, five anchors, 50,962,889 parameters with 80 classes.</summary>
    /// <remarks>Channels of the passthrough lie in another order than darknet's, whose reorganisation takes no squares.</remarks>
    public static YoloV2Net Full(Initializer init, int classes = 80)
    {
        // Of COCO, in cells of 32 pixels.
        (float Width, float Height)[] anchors = [(0.57273f, 0.677385f), (1.87446f, 2.06253f), (3.33843f, 5.47434f), (7.88282f, 3.52778f), (9.77052f, 9.16828f)];
        return new YoloV2Net(init, Darknet.Of19(init, "backbone"), [.. anchors.Select(a => (32 * a.Width, 32 * a.Height))], classes,
            narrowChannels: 64, deepConvs: 2, ConvStyle.Darknet);
    }

    /// <summary>For small images and short training: cells of 16 pixels.</summary>
    public static YoloV2Net Compact(Initializer init, IReadOnlyList<(float Width, float Height)> anchors, int classes)
    {
        var backbone = new CompactResNet(init, "backbone", [24, 48, 96], firstLevel: 1);
        return new YoloV2Net(init, backbone, anchors, classes, narrowChannels: 16, deepConvs: 0, ConvStyle.Darknet with { Normalization = Normalization.Group, Groups = 4 });
    }

    /// <summary>Class logits [N][R][C], objectness logits [N][R][1] and boxes [N][R][4], R = cells times anchors: x y whose sigmoids are the
    /// centre from the cell's corner in cells, and the logarithms of width and height by the anchor's.</summary>
    public (Value Classes, Value Objectness, Value Boxes) Outputs(Value image)
    {
        var map = Forward(image);
        var rows = map.Reshape(map.Shape[0], -1, 5 + ClassCount);
        return (rows.Columns(5, ClassCount).Concat(), rows.Columns(4, 1).Concat(), rows.Columns(0, 4).Concat());
    }

    /// <summary>[N][S][S][A*(5 + C)]: of each anchor x y width height objectness, then the classes.</summary>
    public override Value Forward(Value x)
    {
        var levels = _backbone.Levels(x);
        var deep = _deep.Aggregate(levels[^1], (y, layer) => layer.Forward(y));
        return _predictions.Forward(_joint.Forward(_passthrough.Forward(_narrow.Forward(levels[^2])).Concat(deep)));
    }
}
