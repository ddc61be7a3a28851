using Fovea.Models.Backbones;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>SSD (Liu et al., "SSD: Single Shot MultiBox Detector", 2016): default boxes of several sizes and ratios in every cell of several
/// levels, each with a class or none and four deltas.</summary>
/// <remarks>Loss: softmax cross-entropy over boxes that have an object and three of the hardest of the ground for each, and smooth L1 of the
/// deltas, both summed and divided by the number of boxes that have an object. An image without objects teaches nothing.</remarks>
public sealed class SsdSystem : DetectionSystem
{
    private const int NegativesPerPositive = 3, CandidatesPerClass = 400;

    private readonly SsdNet _net;
    private readonly DeviceTensor _boxes;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side; every level has this by its stride cells, rounded up.</param>
    /// <param name="boxes">Default boxes, as many per cell as the network has.</param>
    public SsdSystem(DeviceStream stream, SsdNet net, int imageSize, SsdBoxes boxes)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount, maxDetections: 200)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        _net = Add(net);
        if (!boxes.PerCell.SequenceEqual(net.BoxesPerCell)) throw new ArgumentException("the network has other numbers of boxes per cell", nameof(boxes));
        var all = boxes.Over(imageSize, [.. net.Strides.Select(s => (imageSize + s - 1) / s)]);
        _boxes = AddConstant(DeviceTensor.From(stream, all, all.Length / 4, 4));
    }

    /// <summary>SSD300 of the paper.</summary>
    public static SsdSystem Of300(Initializer init, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        return new SsdSystem(init.Stream, SsdNet.Of300(init, classes), 300, SsdBoxes.Of300);
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32 with squares of 16 to 64 pixels.</summary>
    public static SsdSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        float Share(float pixels) => pixels / imageSize;
        var boxes = new SsdBoxes([Share(16), Share(26), Share(42), Share(64)], [[2], [2], [2]]);
        var backbone = new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1);
        return new SsdSystem(init.Stream, new SsdNet(init, "", backbone, classes, boxes.PerCell), imageSize, boxes);
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets)
    {
        var (classes, deltas) = _net.Outputs(images);
        return LossOf(classes, deltas, images.Tape.Input(_boxes), targets);
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var (classes, deltas) = _net.Outputs(images);
        return Decode(classes, deltas, images.Tape.Input(_boxes), ImageSize, MaxDetections);
    }

    // Of logits [B][N][C + 1] and deltas [B][N][4] of the default boxes [N][4].
    internal static DetectionLoss LossOf(Value classes, Value deltas, Value boxes, DetectionTargets targets)
    {
        var columns = classes.Shape[2];
        var truth = new SsdTargetsOperation((int)columns - 1).Record(targets.Boxes, targets.Classes, boxes);
        var (labels, wantedDeltas, isPositive, positives) = (truth[0], truth[1], truth[2], truth[3]);
        var mined = new HardNegativesOperation(NegativesPerPositive).Record(classes, labels);
        return DetectionLoss.Of(
            ("classes", classes.Reshape(-1, columns).CrossEntropy(mined[0]).Multiply(mined[1].Reshape())),
            ("boxes", deltas.SmoothL1(wantedDeltas).Multiply(isPositive).Sum().Divide(positives.Reshape())));
    }

    internal static Value Decode(Value classes, Value deltas, Value boxes, int imageSize, int capacity)
    {
        var ground = (int)classes.Shape[2] - 1;
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Softmax,
            Background = ground,
            Boxes = BoxMode.Deltas,
            DeltaWeights = (10, 10, 5, 5),
            ScoreThreshold = 0.01f,
            TopK = CandidatesPerClass * ground,
            ClipWidth = imageSize,
            ClipHeight = imageSize,
        };
        return new DetectBoxesOperation(decode, new NmsOptions { IouThreshold = 0.45f }, capacity).Record(classes, default, deltas, boxes)[0];
    }
}
