using Fovea.Detection.Assignment;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>CornerNet (Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints", 2018): an object is a top-left and a bottom-right corner
/// with nearly equal tags. No anchors.</summary>
/// <remarks>Loss of each stack, averaged over stacks: penalty-reduced focal loss of both heat maps per peak, + 0.1 pull + 0.1 push of the tags +
/// smooth L1 of the offsets per object.</remarks>
public sealed class CornerNetSystem : DetectionSystem
{
    private const float TagWeight = 0.1f;

    private readonly CornerNet _net;
    private readonly KeyPointGrid _grid;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="rule">Radius of the Gaussians, for an overlap of 0.7.</param>
    public CornerNetSystem(CornerNet net, int imageSize, RadiusRule rule = RadiusRule.Published)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        // Two convolutions of stride 2, each of which rounds up: 511 pixels are 128 cells.
        _grid = new KeyPointGrid(((imageSize + 1) / 2 + 1) / 2, net.Stride, rule);
    }

    /// <summary>A configuration that trains in minutes on a CPU: one hourglass of two halvings.</summary>
    public static CornerNetSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var options = new HourglassOptions
        {
            StemChannels = 16,
            Widths = [32, 48, 64],
            Blocks = [1, 1, 1],
            Stacks = 1,
            Channels = 32,
            Style = new ConvStyle { Normalization = Normalization.Group, Groups = 4 },
        };
        return new CornerNetSystem(new CornerNet(init, "", options, classes), imageSize);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets) => Loss(_net.Outputs(images), targets);

    internal DetectionLoss Loss(IReadOnlyList<(CornerMaps TopLeft, CornerMaps BottomRight)> stacks, DetectionTargets targets)
    {
        var wanted = new CornerNetTargetsOperation(ClassCount, _grid).Record(targets.Boxes, targets.Classes);
        CornerTargets topLeft = CornerTargets.From(wanted), bottomRight = CornerTargets.From(wanted.AsSpan(CornerTargets.Count));
        var (pull, push, objects) = (wanted[^3], wanted[^2], wanted[^1]);
        return DetectionLoss.Of(
            ("heat", Mean(s => Heat(s.TopLeft, topLeft).Add(Heat(s.BottomRight, bottomRight)))),
            ("pull", Mean(s => EmbeddingLosses.Pull(Tags(s.TopLeft, topLeft), Tags(s.BottomRight, bottomRight), pull)).Affine(TagWeight)),
            ("push", Mean(s => EmbeddingLosses.Push(Tags(s.TopLeft, topLeft), Tags(s.BottomRight, bottomRight), push)).Affine(TagWeight)),
            ("offset", Mean(s => Offset(s.TopLeft, topLeft).Add(Offset(s.BottomRight, bottomRight)))));

        Value Mean(Func<(CornerMaps TopLeft, CornerMaps BottomRight), Value> loss) =>
            stacks.Select(loss).Aggregate((a, b) => a.Add(b)).Affine(1f / stacks.Count);

        static Value Heat(CornerMaps maps, CornerTargets target) => KeyPointLosses.HeatMap(maps.Heat, target.Heat, target.Peaks);

        static Value Tags(CornerMaps maps, CornerTargets target) => KeyPointLosses.At(maps.Tag, target.Cells);

        Value Offset(CornerMaps maps, CornerTargets target) =>
            KeyPointLosses.Regression(maps.Offset, target.Cells, target.Offsets, objects, beta: 1, RegressionDivisor.Objects);
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var (t, b) = _net.LastOutputs(images);
        var pairs = new CornerNetDecodeOperation(new CornerPairing(), _grid.Stride, ImageSize).Record(t.Heat, t.Tag, t.Offset, b.Heat, b.Tag, b.Offset);
        return new SoftSuppressOperation(new SoftNmsOptions(), MaxDetections).Record(pairs)[0];
    }
}
