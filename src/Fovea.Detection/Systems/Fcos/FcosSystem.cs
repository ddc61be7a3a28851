using Fovea.Detection.Assignment;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>FCOS (Tian, Shen, Chen, He, 2019) as torchvision trains it: every cell of a pyramid that lies in the middle of an object names its
/// class and the distances to the four sides. No anchors.</summary>
/// <remarks>Loss: focal loss of the classes, GIoU loss of the boxes and cross-entropy of the centerness, each summed and divided by the number
/// of positive cells. Scores: sqrt(class * centerness); the 1,000 best cells of the image are decoded, where torchvision takes as many of
/// every level.</remarks>
public sealed class FcosSystem : DetectionSystem
{
    private readonly FcosNet _net;
    private readonly FcosOptions _options;
    private readonly DeviceTensor _cells;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="options">Variants.</param>
    public FcosSystem(DeviceStream stream, FcosNet net, int imageSize, FcosOptions? options = null)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        _options = options ?? new FcosOptions();
        _cells = AddConstant(PyramidCells.Tensor(stream, imageSize, net.Strides, _options.Point));
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32, 48 channels.</summary>
    public static FcosSystem Small(Initializer init, int imageSize, int classes) => Small(init, imageSize, classes, new FcosOptions());

    /// <summary>The same in a variant.</summary>
    public static FcosSystem Small(Initializer init, int imageSize, int classes, FcosOptions options)
    {
        ArgumentNullException.ThrowIfNull(init);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);
        return new FcosSystem(init.Stream, new FcosNet(init, "", pyramid, classes, towerConvs: 1, groups: 6), imageSize, options);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => Loss(_net.Outputs(images), targets);

    /// <inheritdoc/>
    public override Value Detect(Value images) => Detect(_net.Outputs(images));

    internal DetectionLoss Loss((Value Classes, Value Distances, Value Centerness) outputs, DetectionTargets targets)
    {
        var assigner = new FcosAssigner { CentreRadius = _options.CentreRadius };
        var truth = new CellTargetsOperation(ClassCount, assigner).Record(targets.Boxes, targets.Classes, outputs.Classes.Tape.Input(_cells));
        var (classes, distances, centerness, positives) = (truth[0], truth[1], truth[2], truth[3].Reshape());
        var isPositive = classes.Reduce(ReduceOp.Sum, keepDimensions: true, 2);
        var boxLoss = PyramidCells.Corners(outputs.Distances).BoxLoss(PyramidCells.Corners(distances));
        var (weights, boxDivisor) = _options.WeightsByCenterness
            ? (centerness, centerness.Sum().Activate(Activation.Clamp(1e-6f, float.PositiveInfinity)))
            : (isPositive, positives);
        return DetectionLoss.Of(
            ("classes", outputs.Classes.FocalLoss(classes).Sum().Divide(positives)),
            ("boxes", boxLoss.Multiply(weights.Reshape(-1)).Sum().Divide(boxDivisor)),
            ("centerness", outputs.Centerness.BinaryCrossEntropy(centerness).Multiply(isPositive).Sum().Divide(positives)));
    }

    internal Value Detect((Value Classes, Value Distances, Value Centerness) outputs)
    {
        // sqrt(class * centerness) ranks as the product does; the score is the root.
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Sigmoid,
            Boxes = BoxMode.Distances,
            ScoreThreshold = _options.ScoreThreshold * _options.ScoreThreshold,
            TopK = 1000,
            ClipWidth = ImageSize,
            ClipHeight = ImageSize,
        };
        var rows = new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = _options.IouThreshold }, MaxDetections)
            .Record(outputs.Classes, outputs.Centerness, outputs.Distances, outputs.Classes.Tape.Input(_cells))[0];
        return rows.Columns(0, 4).Concat(rows.Columns(4, 1).Unary(UnaryOp.Sqrt), rows.Columns(5, 1));
    }
}
