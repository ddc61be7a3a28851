using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>YOLOv2 (Redmon and Farhadi, 2016) as darknet's region layer trains it: every cell corrects a few anchors, each with an objectness
/// and classes of its own, so that a cell can hold several objects of different shapes.</summary>
/// <remarks>Loss: halves of squares of the coded boxes, small ones weighted up to 2, of the objectness against the IoU (5) and on the ground (1),
/// and the cross-entropy of the classes; summed and divided by the images. Its gradient is what the region layer passes back. Boxes of the
/// ground that overlap an object by more than 0.6 count nowhere. Scores: class * objectness.</remarks>
public sealed class YoloV2System : DetectionSystem
{
    private const float ObjectWeight = 5;

    private readonly YoloV2Net _net;
    private readonly EquatableList<(float Width, float Height)> _anchors;
    private readonly DeviceTensor _cells; // [R][3]: column, row, stride
    private readonly DeviceTensor _shapes; // [R][2]: logarithms of the anchor's sides in strides

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side; a multiple of the stride.</param>
    /// <exception cref="ArgumentException">The size does not fit.</exception>
    public YoloV2System(DeviceStream stream, YoloV2Net net, int imageSize)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        if (imageSize % net.Stride != 0) throw new ArgumentException($"an image size is a multiple of {net.Stride}, not {imageSize}", nameof(imageSize));
        (_net, _anchors) = (Add(net), [.. net.Anchors]);
        var (cells, shapes) = (new List<float>(), new List<float>());
        for (var i = 0; i < Side * Side; i++)
        {
            foreach (var (width, height) in _anchors)
            {
                cells.AddRange([i % Side, i / Side, net.Stride]);
                shapes.AddRange([MathF.Log(width / net.Stride), MathF.Log(height / net.Stride)]);
            }
        }
        _cells = AddConstant(DeviceTensor.From<float>(stream, cells.ToArray(), cells.Count / 3, 3));
        _shapes = AddConstant(DeviceTensor.From<float>(stream, shapes.ToArray(), shapes.Count / 2, 2));
    }

    /// <summary>Clusters of the boxes of generated scenes, in pixels.</summary>
    internal static IReadOnlyList<(float Width, float Height)> SceneAnchors { get; } = [(15, 15), (22, 19), (23, 31), (36, 28), (36, 41)];

    private int Side => ImageSize / _net.Stride;

    /// <summary>A configuration that trains in minutes on a CPU (<see cref="YoloV2Net.Compact"/>), with anchors for generated scenes.</summary>
    public static YoloV2System Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        return new YoloV2System(init.Stream, YoloV2Net.Compact(init, SceneAnchors, classes), imageSize);
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
        var (centres, sizes) = (boxes.Columns(0, 2).Activate(Activation.Sigmoid), boxes.Columns(2, 2));
        var truth = new YoloV2TargetsOperation(Side, ImageSize, ClassCount, _anchors).Record(targets.Boxes, targets.Classes, Corners(centres, sizes));
        var (hasObject, isGround, overlaps, codes, weights, wantedClasses) = (truth[0], truth[1], truth[2], truth[3], truth[4], truth[5]);
        var perImage = 1f / boxes.Shape[0];
        // overlaps are 0 on the ground.
        var objectLoss = objectness.Activate(Activation.Sigmoid).PointwiseLoss(overlaps, PointwiseLossOptions.Squared);
        var boxLoss = centres.Concat(sizes).PointwiseLoss(codes, PointwiseLossOptions.Squared);
        return DetectionLoss.Of(
            ("boxes", boxLoss.Multiply(weights).Sum().Affine(perImage / 2)),
            ("objects", objectLoss.Multiply(hasObject).Sum().Affine(ObjectWeight * perImage / 2)),
            ("ground", objectLoss.Multiply(isGround).Sum().Affine(perImage / 2)),
            ("classes", classes.Softmax(log: true).Multiply(wantedClasses).Sum().Affine(-perImage)));
    }

    internal Value Decode(Value classes, Value objectness, Value boxes)
    {
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Softmax,
            Boxes = BoxMode.Grid,
            ScoreThreshold = 0.01f,
            TopK = 1000,
            ClipWidth = ImageSize,
            ClipHeight = ImageSize,
        };
        // An anchor's logarithm in strides makes of the code what YOLOX codes.
        var grid = boxes.Columns(0, 2).Activate(Activation.Sigmoid).Concat(boxes.Columns(2, 2).Add(boxes.Tape.Input(_shapes)));
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.45f }, MaxDetections)
            .Record(classes, objectness, grid, boxes.Tape.Input(_cells))[0];
    }

    // x1 y1 x2 y2 in pixels, of which only values are wanted.
    private Value Corners(Value centres, Value sizes)
    {
        using (centres.Tape.NoGradient())
        {
            var cells = centres.Tape.Input(_cells);
            var middle = centres.Add(cells.Columns(0, 2)).Affine(_net.Stride);
            var half = sizes.Add(centres.Tape.Input(_shapes)).Unary(UnaryOp.Exp).Affine(_net.Stride / 2f);
            return middle.Subtract(half).Concat(middle.Add(half));
        }
    }
}
