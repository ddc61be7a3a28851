using System.Numerics;
using Fovea.Detection.Pyramids;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Faster R-CNN (Ren, He, Girshick, Sun, 2015) over a feature pyramid as torchvision trains it: a first stage says which anchors may be
/// objects, a second one looks at the features of each proposal again, names its class and corrects its box.</summary>
/// <remarks>Loss: cross-entropy of objectness and smooth L1 of deltas over sampled anchors, cross-entropy of classes and smooth L1 of deltas
/// over sampled regions, each divided by the number of samples. No gradient flows through the boxes of proposals.</remarks>
public sealed class FasterRcnnSystem : DetectionSystem
{
    private const float SmoothBelow = 1f / 9;

    private readonly FasterRcnnNet _net;
    private readonly FasterRcnnOptions _options;
    private readonly EquatableList<int> _levelSizes;
    private readonly DeviceTensor _anchors, _trainingLevels, _detectionLevels, _candidateClasses;

    /// <summary>Puts losses and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="options">Null: torchvision's.</param>
    /// <exception cref="ArgumentException">The options have other anchors than the network.</exception>
    public FasterRcnnSystem(DeviceStream stream, FasterRcnnNet net, int imageSize, FasterRcnnOptions? options = null)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).ClassCount)
    {
        _net = Add(net);
        _options = options ??= new FasterRcnnOptions();
        if (options.AnchorSides.Count != net.Strides.Count || options.Ratios.Count != net.AnchorsPerCell)
            throw new ArgumentException($"{options.AnchorSides.Count} sides and {options.Ratios.Count} ratios of anchors for {net.Strides.Count} levels of {net.AnchorsPerCell}", nameof(options));
        var anchors = net.Strides.Select((stride, level) => LevelAnchors(imageSize, stride, options.AnchorSides[level], [.. options.Ratios])).ToArray();
        _levelSizes = [.. anchors.Select(a => a.Length / 4)];
        _anchors = AddConstant(DeviceTensor.From<float>(stream, anchors.SelectMany(a => a).ToArray(), _levelSizes.Sum(), 4));
        _trainingLevels = Groups(ProposalsOperation.CandidatesOf(_levelSizes, options.CandidatesPerLevel.Training));
        _detectionLevels = Groups(ProposalsOperation.CandidatesOf(_levelSizes, options.CandidatesPerLevel.Detection));
        _candidateClasses = Groups(ClassBoxesOperation.CandidatesOf(ClassCount, options.Proposals.Detection));

        DeviceTensor Groups(EquatableList<int> sizes)
        {
            var groups = GroupedBoxesOperation.GroupsOf(sizes);
            return AddConstant(DeviceTensor.From<int>(stream, groups, groups.Length));
        }
    }

    /// <summary>A configuration that trains in minutes on a CPU: levels of stride 8, 16 and 32, 48 channels.</summary>
    public static FasterRcnnSystem Small(Initializer init, int imageSize, int classes)
    {
        ArgumentNullException.ThrowIfNull(init);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);
        var net = new FasterRcnnNet(init, "", pyramid, classes, regionLevels: 3, bins: 5, hidden: 128);
        return new FasterRcnnSystem(init.Stream, net, imageSize, new FasterRcnnOptions
        {
            AnchorSides = [16, 32, 64],
            CandidatesPerLevel = (120, 80),
            Proposals = (48, 32),
            AnchorSamples = 64,
            RegionSamples = 32,
            RegionSide = 32,
        });
    }

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets)
    {
        var levels = _net.Levels(images);
        var (objectness, anchorDeltas) = _net.Proposals(levels);
        var anchors = images.Tape.Input(_anchors);
        var proposals = Proposals(objectness, anchorDeltas, anchors, _options.CandidatesPerLevel.Training, _options.Proposals.Training, _trainingLevels);
        var samples = new RegionSamplesOperation(ClassCount, _options.RegionSamples).Record(targets.Boxes, targets.Classes, proposals);
        var (classes, deltas) = _net.Regions(Pool(levels, samples[0], _options.RegionSamples));
        var (objectnessLoss, proposalLoss) = ProposalLosses(objectness, anchorDeltas, anchors, targets, _options.AnchorSamples);
        var (classLoss, boxLoss) = RegionLosses(classes, deltas, samples);
        return DetectionLoss.Of(("objectness", objectnessLoss), ("proposals", proposalLoss), ("classes", classLoss), ("boxes", boxLoss));
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var levels = _net.Levels(images);
        var (objectness, anchorDeltas) = _net.Proposals(levels);
        var count = _options.Proposals.Detection;
        var proposals = Proposals(objectness, anchorDeltas, images.Tape.Input(_anchors), _options.CandidatesPerLevel.Detection, count, _detectionLevels);
        var regions = proposals.Columns(0, 4).Concat().Reshape(-1, 4);
        var (classes, deltas) = _net.Regions(Pool(levels, regions, count));
        return new ClassBoxesOperation(ClassCount, count, ImageSize, MaxDetections)
            .Record(classes.Softmax(), deltas, regions, images.Tape.Input(_candidateClasses))[0];
    }

    // Of objectness [B][N][1] and deltas [B][N][4] of the anchors [N][4].
    internal static (Value Objectness, Value Boxes) ProposalLosses(Value objectness, Value deltas, Value anchors, DetectionTargets targets, int samples)
    {
        var truth = new RpnTargetsOperation(samples).Record(targets.Boxes, targets.Classes, anchors);
        var (wanted, isSampled, wantedDeltas, count) = (truth[0], truth[1], truth[2], truth[3]);
        return (
            objectness.BinaryCrossEntropy(wanted).Multiply(isSampled).Sum().Divide(count.Reshape()),
            deltas.SmoothL1(wantedDeltas, SmoothBelow).Multiply(wanted).Sum().Divide(count.Reshape()));
    }

    // Of logits [R][C + 1] and deltas [R][4*(C + 1)] of regions that RegionSamplesOperation took.
    internal static (Value Classes, Value Boxes) RegionLosses(Value classes, Value deltas, IReadOnlyList<Value> samples)
    {
        var (labels, wantedDeltas, isPositive, rows, count) = (samples[1], samples[2], samples[3], samples[4], samples[5]);
        var ofLabel = deltas.Reshape(-1, 4).GatherRows(rows);
        return (
            classes.CrossEntropy(labels),
            ofLabel.SmoothL1(wantedDeltas, SmoothBelow).Multiply(isPositive).Sum().Divide(count.Reshape()));
    }

    private static float[] LevelAnchors(int imageSize, int stride, float side, ReadOnlySpan<float> ratios)
    {
        var cells = (imageSize + stride - 1) / stride;
        var step = imageSize / cells; // rounded down, as torchvision does
        return AnchorBoxes.Grid(AnchorBoxes.Centred([side], ratios), cells, cells, step, step);
    }

    private Value Proposals(Value objectness, Value deltas, Value anchors, int candidates, int capacity, DeviceTensor levels) =>
        new ProposalsOperation(_levelSizes, candidates, ImageSize, capacity).Record(objectness, deltas, anchors, objectness.Tape.Input(levels))[0];

    // Features [R][bins][bins][channels]: each region pools from its own level and gets zeros from the others.
    private Value Pool(IReadOnlyList<Value> levels, Value regions, int regionsPerImage)
    {
        var finest = BitOperations.Log2((uint)_net.Strides[0]);
        var images = new RegionLevelsOperation(_net.RegionLevels, finest, _options.RegionSide, regionsPerImage).Record(regions);
        return images.Select((image, level) =>
        {
            var options = new RoiAlignOptions { SpatialScale = 1f / _net.Strides[level], SamplingRatio = 2, Aligned = false };
            return levels[level].RoiAlign(options, regions, _net.Bins, _net.Bins, image);
        }).Aggregate((a, b) => a.Add(b));
    }
}
