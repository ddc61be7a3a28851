using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>FCOS (Tian, Shen, Chen, He, 2019) as torchvision trains it: every cell of a pyramid that lies in the middle of an object names its
/// class and the distances to the four sides. No anchors.</summary>
/// <remarks>Loss: focal loss of the classes, GIoU loss of the boxes and cross-entropy of the centerness, each summed and divided by the number
/// of positive cells. Scores: sqrt(class * centerness).</remarks>
public sealed class FcosSystem : DetectionSystem
{
    private readonly FcosNet _net;
    private readonly EquatableList<int> _strides;
    private readonly DeviceTensor _points;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    public FcosSystem(DeviceStream stream, FcosNet net, int imageSize) : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        _strides = [.. net.Strides];
        _points = AddConstant(DeviceTensor.From(stream, FcosCells.Points(imageSize, _strides), FcosCells.Count(imageSize, _strides), 3));
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32, 48 channels.</summary>
    public static FcosSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);
        return new FcosSystem(init.Stream, new FcosNet(init, "", pyramid, classes, towerConvs: 1, groups: 6), imageSize);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets)
    {
        var (classes, distances, centerness) = _net.Outputs(images);
        var truth = new FcosTargetsOperation(ClassCount, ImageSize, _strides, CentreRadius: 1.5f).Record(targets.Boxes, targets.Classes);
        var (wantedClasses, wantedDistances, wantedCenterness, positives) = (truth[0], truth[1], truth[2], truth[3]);
        var isPositive = wantedClasses.Reduce(ReduceOp.Sum, keepDimensions: true, 2);
        // A positive cell has a centerness above 0: a point on an edge is not inside.
        var boxLoss = CornersOf(distances).BoxLoss(CornersOf(wantedDistances)).Multiply(isPositive.Reshape(-1));
        var centernessLoss = centerness.BinaryCrossEntropy(wantedCenterness).Multiply(isPositive);
        return DetectionLoss.Of(
            ("classes", classes.FocalLoss(wantedClasses).Sum().Divide(positives.Reshape())),
            ("boxes", boxLoss.Sum().Divide(positives.Reshape())),
            ("centerness", centernessLoss.Sum().Divide(positives.Reshape())));
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var (classes, distances, centerness) = _net.Outputs(images);
        // sqrt(class * centerness) ranks as the product does; the score is the root.
        var decode = new DecodeOptions { Scores = ScoreMode.Sigmoid, Boxes = BoxMode.Distances, ScoreThreshold = 0.04f, TopK = 1000, ClipWidth = ImageSize, ClipHeight = ImageSize };
        var rows = new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.6f }, MaxDetections)
            .Record(classes, centerness, distances, images.Tape.Input(_points))[0];
        return rows.Columns(0, 4).Concat(rows.Columns(4, 1).Unary(UnaryOp.Sqrt), rows.Columns(5, 1));
    }

    // Boxes around a cell as x1 y1 x2 y2, in strides.
    private static Value CornersOf(Value distances)
    {
        var flat = distances.Reshape(-1, 4);
        return flat.Columns(0, 2).Affine(-1).Concat(flat.Columns(2, 2));
    }
}
