using Fovea.Detection.Assignment;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>GFL (Li et al., "Generalized Focal Loss", 2020) as mmdetection trains it: the score of a class is the quality of its box, and each
/// side of a box is a distribution over distances.</summary>
/// <remarks>Cells are assigned by ATSS, points lie at multiples of the stride. Loss: quality focal loss against the IoU of the box, divided by
/// the number of positive cells; twice the GIoU loss of the boxes that the distributions expect, and a quarter of their distribution focal
/// loss (the mean of four sides), each weighted by the cell's best score and divided by the sum of these weights.</remarks>
public sealed class GflSystem : DetectionSystem
{
    private readonly GflNet _net;
    private readonly AtssAssigner _assigner;
    private readonly DeviceTensor _cells, _bins;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="assigner">Null: the paper's.</param>
    public GflSystem(DeviceStream stream, GflNet net, int imageSize, AtssAssigner? assigner = null)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        _assigner = assigner ?? new AtssAssigner();
        _cells = AddConstant(PyramidCells.Tensor(stream, imageSize, net.Strides, CellPoint.Corner));
        _bins = AddConstant(DistanceBins.Tensor(stream, net.Bins));
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32, 48 channels, distances up to 8 strides,
    /// anchors of half the size.</summary>
    public static GflSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);
        var net = new GflNet(init, "", pyramid, classes, bins: 9, towerConvs: 1, groups: 6);
        return new GflSystem(init.Stream, net, imageSize, new AtssAssigner { AnchorScale = 4 });
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => Loss(_net.Outputs(images), targets);

    /// <inheritdoc/>
    public override Value Detect(Value images) => Detect(_net.Outputs(images));

    internal DetectionLoss Loss((Value Classes, Value Sides) outputs, DetectionTargets targets)
    {
        var tape = outputs.Classes.Tape;
        var truth = new CellTargetsOperation(ClassCount, _assigner).Record(targets.Boxes, targets.Classes, tape.Input(_cells));
        var (classes, distances, positives) = (truth[0], truth[1], truth[3].Reshape());
        var bins = tape.Input(_bins);
        var (predicted, boxes) = (PyramidCells.Corners(DistanceBins.Expected(outputs.Sides, bins)), PyramidCells.Corners(distances));
        var quality = PyramidCells.Iou(predicted, boxes).Reshape(classes.Shape[0], classes.Shape[1], 1);
        var isPositive = classes.Reduce(ReduceOp.Sum, keepDimensions: false, 2).Reshape(-1);
        var weights = tape.Detach(outputs.Classes).Reduce(ReduceOp.Max, keepDimensions: false, 2).Activate(Activation.Sigmoid).Reshape(-1).Multiply(isPositive);
        var sideLosses = DistanceBins.Loss(outputs.Sides, distances, bins).Reshape(-1, 4).Reduce(ReduceOp.Mean, keepDimensions: false, 1);
        return DetectionLoss.Of(
            ("classes", outputs.Classes.PointwiseLoss(classes.Multiply(quality), PointwiseLossOptions.QualityFocal()).Sum().Divide(positives)),
            ("boxes", PyramidCells.WeightedMean(predicted.BoxLoss(boxes), weights).Affine(2)),
            ("distances", PyramidCells.WeightedMean(sideLosses, weights).Affine(0.25f)));
    }

    internal Value Detect((Value Classes, Value Sides) outputs)
    {
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Sigmoid,
            Boxes = BoxMode.Bins,
            Bins = _net.Bins,
            TopK = 1000,
            ClipWidth = ImageSize,
            ClipHeight = ImageSize,
        };
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.6f }, MaxDetections)
            .Record(outputs.Classes, default, outputs.Sides, outputs.Classes.Tape.Input(_cells))[0];
    }
}
