using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>YOLOX (Ge, Liu, Wang, Li, Sun, 2021): no anchors; each cell says a class, whether it has an object, and a box, and the network's own
/// predictions decide which cells answer for which object (<see cref="Assignment.SimOta"/>).</summary>
/// <remarks>Loss: cross-entropy of the classes, whose targets are the overlaps, and of the objectness, and 5 * (1 - IoU^2), each summed and divided
/// by the number of positive cells. Scores: class * objectness.</remarks>
public sealed class YoloxSystem : DetectionSystem
{
    private const float BoxWeight = 5;

    private readonly YoloxNet _net;
    private readonly DeviceTensor _cells; // [N][3]: column, row, stride
    private readonly float _l1Weight;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side; a multiple of the largest stride.</param>
    /// <param name="l1Weight">Weight of the distance of the coded boxes, which the paper adds with weight 1 in the last epochs.</param>
    /// <exception cref="ArgumentException">The size does not fit.</exception>
    public YoloxSystem(DeviceStream stream, YoloxNet net, int imageSize, float l1Weight = 0)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        if (imageSize % net.Strides[^1] != 0) throw new ArgumentException($"an image size is a multiple of {net.Strides[^1]}, not {imageSize}", nameof(imageSize));
        (_net, _l1Weight) = (Add(net), l1Weight);
        var cells = new List<float>();
        foreach (var stride in net.Strides)
        {
            var side = imageSize / stride;
            for (var i = 0; i < side * side; i++) cells.AddRange([i % side, i / side, stride]);
        }
        _cells = AddConstant(DeviceTensor.From<float>(stream, cells.ToArray(), cells.Count / 3, 3));
    }

    /// <summary>A configuration that trains in minutes on a CPU: the nano network with group normalisation.</summary>
    public static YoloxSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        return new YoloxSystem(init.Stream, new YoloxNet(init, 0.33, 0.25, classes, isSeparable: true, Normalization.Group), imageSize);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets)
    {
        var (classes, objectness, boxes) = _net.Outputs(images);
        return Loss(classes, objectness, boxes, targets);
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var (classes, objectness, boxes) = _net.Outputs(images);
        return Decode(classes, objectness, boxes);
    }

    internal DetectionLoss Loss(Value classes, Value objectness, Value boxes, DetectionTargets targets)
    {
        var cells = boxes.Tape.Input(_cells);
        var corners = Corners(boxes, cells);
        var truth = new YoloxTargetsOperation().Record(targets.Boxes, targets.Classes, classes, objectness, corners, cells);
        var (isPositive, wantedClasses, wantedBoxes, codes, positives) = (truth[0], truth[1], truth[2], truth[3], truth[4].Reshape());
        var boxLoss = corners.Reshape(-1, 4).BoxLoss(wantedBoxes.Reshape(-1, 4), new BoxLossOptions { Overlap = Overlap.Union, Power = 2 });
        List<(string, Value)> parts =
        [
            ("classes", classes.BinaryCrossEntropy(wantedClasses).Multiply(isPositive).Sum().Divide(positives)),
            ("boxes", boxLoss.Multiply(isPositive.Reshape(-1)).Sum().Divide(positives).Affine(BoxWeight)),
            ("objectness", objectness.BinaryCrossEntropy(isPositive).Sum().Divide(positives)),
        ];
        if (_l1Weight > 0) parts.Add(("distances", boxes.SmoothL1(codes, beta: 0).Multiply(isPositive).Sum().Divide(positives).Affine(_l1Weight)));
        return DetectionLoss.Of([.. parts]);
    }

    internal Value Decode(Value classes, Value objectness, Value boxes)
    {
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Sigmoid,
            Boxes = BoxMode.Grid,
            BestClass = true,
            ScoreThreshold = 0.01f,
            TopK = 1000,
            ClipWidth = ImageSize,
            ClipHeight = ImageSize,
        };
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.65f }, MaxDetections)
            .Record(classes, objectness, boxes, boxes.Tape.Input(_cells))[0];
    }

    // x1 y1 x2 y2 in pixels.
    private static Value Corners(Value boxes, Value cells)
    {
        var stride = cells.Columns(2, 1);
        var centre = boxes.Columns(0, 2).Add(cells.Columns(0, 2)).Multiply(stride);
        var half = boxes.Columns(2, 2).Unary(UnaryOp.Exp).Multiply(stride).Affine(0.5f);
        return centre.Subtract(half).Concat(centre.Add(half));
    }
}
