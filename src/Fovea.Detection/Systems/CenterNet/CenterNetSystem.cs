using Fovea.Detection.Assignment;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>CenterNet (Zhou, Wang, Kraehenbuehl, "Objects as Points", 2019): an object is the peak of its class's heat map, with a size and an
/// offset from the cell's edge. No anchors, no suppression.</summary>
/// <remarks>Loss: penalty-reduced focal loss of the heat map per peak, + 0.1 L1 of the size + L1 of the offset at the centres, in cells.</remarks>
public sealed class CenterNetSystem : DetectionSystem
{
    private const float SizeWeight = 0.1f;

    private readonly TrainableCenterNet _net;
    private readonly KeyPointGrid _grid;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side; a multiple of the network's coarsest stride.</param>
    /// <param name="rule">Radius of the Gaussians, for an overlap of 0.7.</param>
    public CenterNetSystem(TrainableCenterNet net, int imageSize, RadiusRule rule = RadiusRule.Published)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        if (imageSize % net.CoarsestStride != 0) throw new ArgumentException($"images of {imageSize} pixels do not fit cells of {net.CoarsestStride}", nameof(imageSize));
        _net = Add(net);
        _grid = new KeyPointGrid(imageSize / net.Stride, net.Stride, rule);
    }

    /// <summary>What the regression losses are divided by.</summary>
    public RegressionDivisor Divisor { get; init; } = RegressionDivisor.Numbers;

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 4, 8 and 16, brought to stride 4 again.</summary>
    public static CenterNetSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var backbone = new CompactResNet(init, "backbone", [24, 48, 64]);
        var path = new UpsamplingPath(init, "up", backbone, [48, 32], new ConvStyle { Normalization = Normalization.Group, Groups = 4 }, hasSkips: true);
        return new CenterNetSystem(new TrainableCenterNet(init, "", path, classes, hidden: 32), imageSize);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => Loss(_net.Outputs(images), targets);

    internal DetectionLoss Loss((Value Heat, Value Size, Value Offset) outputs, DetectionTargets targets)
    {
        var (heat, size, offset) = outputs;
        var wanted = new CenterNetTargetsOperation(ClassCount, _grid).Record(targets.Boxes, targets.Classes);
        var (cells, peaks, objects) = (wanted[1], wanted[4], wanted[5]);
        return DetectionLoss.Of(
            ("heat", KeyPointLosses.HeatMap(heat, wanted[0], peaks)),
            ("size", KeyPointLosses.Regression(size, cells, wanted[2], objects, beta: 0, Divisor).Affine(SizeWeight)),
            ("offset", KeyPointLosses.Regression(offset, cells, wanted[3], objects, beta: 0, Divisor)));
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var (heat, size, offset) = _net.Outputs(images);
        var options = new PeakOptions { TopK = MaxDetections, Stride = _grid.Stride, SizeScale = _grid.Stride, ClipWidth = ImageSize, ClipHeight = ImageSize };
        return new DetectPeaksOperation(options, MaxDetections).Record(heat, size, offset)[0];
    }
}
