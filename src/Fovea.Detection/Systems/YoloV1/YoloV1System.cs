using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>YOLO v1 (Redmon, Divvala, Girshick, Farhadi, 2016) as darknet trains it: the cell that holds the centre of an object predicts it,
/// by that of its boxes which overlaps it most. Two objects in one cell are one too many: the cell learns and finds one.</summary>
public sealed class YoloV1System : DetectionSystem
{
    private readonly YoloV1Net _net;
    private readonly DeviceTensor _corners; // [S*S*B][2]: column and row of each box's cell
    private readonly float _scoreThreshold;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="scoreThreshold">What class probability times confidence must exceed.</param>
    public YoloV1System(DeviceStream stream, YoloV1Net net, int imageSize, float scoreThreshold = 0.2f)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        (_net, _scoreThreshold) = (Add(net), scoreThreshold);
        var corners = new float[2 * net.Side * net.Side * net.Boxes];
        for (var i = 0; i < corners.Length / 2; i++)
        {
            var (row, column) = int.DivRem(i / net.Boxes, net.Side);
            (corners[2 * i], corners[2 * i + 1]) = (column, row);
        }
        _corners = AddConstant(DeviceTensor.From<float>(stream, corners, corners.Length / 2, 2));
    }

    /// <summary>A configuration that trains in minutes on a CPU (<see cref="YoloV1Net.Compact"/>). It lists unlikely boxes too, as darknet does
    /// for average precision.</summary>
    public static YoloV1System Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        return new YoloV1System(init.Stream, YoloV1Net.Compact(init, imageSize, classes), imageSize, scoreThreshold: 0.01f);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => YoloV1Loss.Of(
        _net.Outputs(images), targets, new YoloV1TargetsOperation(_net.Side, _net.Boxes, ClassCount, ImageSize, Rescores: true));

    /// <inheritdoc/>
    public override Value Detect(Value images) => Decode(_net.Outputs(images));

    internal Value Decode(YoloV1Outputs outputs)
    {
        var (classes, confidences, boxes) = outputs;
        var (count, cells) = (classes.Shape[0], (long)_net.Side * _net.Side);
        // Every box of a cell has the cell's classes.
        var scores = classes.Reshape(count, cells, 1, ClassCount).Multiply(confidences.Reshape(count, cells, _net.Boxes, 1));
        var centres = boxes.Columns(0, 2).Add(boxes.Tape.Input(_corners)).Affine((float)ImageSize / _net.Side);
        var sizes = boxes.Columns(2, 2).Unary(UnaryOp.Square).Affine(ImageSize);
        var decode = new DecodeOptions { Boxes = BoxMode.Centre, ScoreThreshold = _scoreThreshold, TopK = 1000, ClipWidth = ImageSize, ClipHeight = ImageSize };
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.5f }, MaxDetections)
            .Record(scores.Reshape(count, -1, ClassCount), default, centres.Concat(sizes))[0];
    }
}
