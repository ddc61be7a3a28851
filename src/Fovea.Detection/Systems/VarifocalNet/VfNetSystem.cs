using Fovea.Detection.Assignment;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>VarifocalNet (Zhang, Wang, Dayoub, Sünderhauf, 2021) as mmdetection trains it: the score of a class says how well the box fits, so
/// it alone ranks the detections.</summary>
/// <remarks>Cells are assigned by ATSS, points lie at multiples of the stride. Loss: varifocal loss against the IoU of the refined box, divided
/// by the number of positive cells; 1.5 times GIoU loss of the first boxes and twice that of the refined ones, each weighted by the box's own
/// IoU and divided by the sum of these weights. The weights of the varifocal loss's negatives, 0.75*p^2, are differentiated, as there.</remarks>
public sealed class VfNetSystem : DetectionSystem
{
    private readonly VfNet _net;
    private readonly AtssAssigner _assigner;
    private readonly DeviceTensor _cells;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="assigner">Null: the paper's.</param>
    public VfNetSystem(DeviceStream stream, VfNet net, int imageSize, AtssAssigner? assigner = null)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        _assigner = assigner ?? new AtssAssigner();
        _cells = AddConstant(PyramidCells.Tensor(stream, imageSize, net.Strides, CellPoint.Corner));
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32, 48 channels, anchors of half the
    /// size.</summary>
    public static VfNetSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);
        var net = new VfNet(init, "", pyramid, classes, towerConvs: 1, groups: 6, initialSize: 2);
        return new VfNetSystem(init.Stream, net, imageSize, new AtssAssigner { AnchorScale = 4 });
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => Loss(_net.Outputs(images), targets);

    /// <inheritdoc/>
    public override Value Detect(Value images) => Detect(_net.Outputs(images));

    internal DetectionLoss Loss((Value Classes, Value Distances, Value Refined) outputs, DetectionTargets targets)
    {
        var truth = new CellTargetsOperation(ClassCount, _assigner).Record(targets.Boxes, targets.Classes, outputs.Classes.Tape.Input(_cells));
        var (classes, boxes, positives) = (truth[0], PyramidCells.Corners(truth[1]), truth[3].Reshape());
        var isPositive = classes.Reduce(ReduceOp.Sum, keepDimensions: false, 2).Reshape(-1);
        var (firstLoss, _) = BoxLoss(outputs.Distances);
        var (refinedLoss, quality) = BoxLoss(outputs.Refined);
        // Of a positive cell at least 1e-6, which the loss tells from 0.
        var wanted = classes.Multiply(quality.Reshape(classes.Shape[0], classes.Shape[1], 1));
        return DetectionLoss.Of(
            ("classes", outputs.Classes.PointwiseLoss(wanted, PointwiseLossOptions.Varifocal()).Sum().Divide(positives)),
            ("boxes", firstLoss.Affine(1.5f)),
            ("refined boxes", refinedLoss.Affine(2)));

        (Value Loss, Value Quality) BoxLoss(Value distances)
        {
            var predicted = PyramidCells.Corners(distances);
            var iou = PyramidCells.Iou(predicted, boxes).Activate(Activation.Clamp(1e-6f, float.PositiveInfinity));
            return (PyramidCells.WeightedMean(predicted.BoxLoss(boxes), iou.Multiply(isPositive)), iou);
        }
    }

    internal Value Detect((Value Classes, Value Distances, Value Refined) outputs)
    {
        var decode = new DecodeOptions { Scores = ScoreMode.Sigmoid, Boxes = BoxMode.Distances, TopK = 1000, ClipWidth = ImageSize, ClipHeight = ImageSize };
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.6f }, MaxDetections)
            .Record(outputs.Classes, default, outputs.Refined, outputs.Classes.Tape.Input(_cells))[0];
    }
}
