using Fovea.Detection.Pyramids;
using Fovea.Models.Backbones;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>DETR (Carion et al., 2020): a fixed number of queries, each an object or none; no anchors, and no suppression of duplicates, because
/// training matches every object with exactly one query.</summary>
/// <remarks>Loss per decoder layer: cross-entropy over all queries as a weighted mean, L1 and GIoU of the matched boxes divided by the number of
/// objects in the batch. With the mask head also focal and dice loss of the last layer's masks.</remarks>
public sealed class DetrSystem : DetectionSystem
{
    private readonly DetrNet _net;
    private readonly DetrLossOptions _options;
    private readonly DeviceTensor _positions, _identity, _classWeights;

    /// <summary>Puts loss and decoding around a network.</summary>
    /// <param name="stream">Whose pool holds constants.</param>
    /// <param name="net">Disposed with the system.</param>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="options">Weights of the loss.</param>
    public DetrSystem(DeviceStream stream, DetrNet net, int imageSize, DetrLossOptions? options = null)
        : base(imageSize, (net ?? throw new ArgumentNullException(nameof(net))).Options.Classes, net.Options.Queries)
    {
        _net = Add(net);
        _options = options ?? new DetrLossOptions();
        var side = (imageSize + net.Stride - 1) / net.Stride;
        var k = ClassCount + 1;
        _positions = AddConstant(DeviceTensor.From<float>(stream, SinePositions.Grid(side, side, net.Options.Width), (long)side * side, net.Options.Width));
        _identity = AddConstant(DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, k * k).Select(i => i % (k + 1) == 0 ? 1f : 0)], k, k));
        _classWeights = AddConstant(DeviceTensor.From<float>(stream, [.. Enumerable.Repeat(1f, ClassCount), _options.NoObjectWeight], k));
    }

    /// <summary>A configuration that trains in minutes on a CPU: 16 queries, two layers of 64 numbers each way, a map of stride 16.</summary>
    public static DetrSystem Small(Initializer init, int imageSize, int classes) => Small(init, imageSize, classes, masks: false);

    /// <summary>The same, with the mask head if wanted.</summary>
    public static DetrSystem Small(Initializer init, int imageSize, int classes, bool masks)
    {
        ArgumentNullException.ThrowIfNull(init);
        var options = new DetrOptions
        {
            Classes = classes,
            Queries = 16,
            Width = 64,
            Heads = 4,
            FeedForwardWidth = 128,
            EncoderLayers = 2,
            DecoderLayers = 2,
            Dropout = 0,
            Masks = masks,
            MaskGroups = 4,
        };
        return new DetrSystem(init.Stream, new DetrNet(init, "", new CompactResNet(init, "backbone", [24, 48, 64]), options), imageSize);
    }

    /// <inheritdoc/>
    public override bool UsesMasks => _net.Masks is not null;

    /// <inheritdoc/>
    public override DetectionLoss Loss(Value images, DetectionTargets targets)
    {
        var tape = images.Tape;
        var outputs = _net.Outputs(images, tape.Input(_positions));
        var wanted = SetTargets.Of(targets, ImageSize, tape.Input(_identity));
        var layers = new List<SetLoss.Parts>();
        for (var layer = _options.Auxiliary ? 0 : outputs.Logits.Count - 1; layer < outputs.Logits.Count; layer++)
            layers.Add(SetLoss.Of(outputs.Logits[layer], outputs.Boxes[layer], wanted, tape.Input(_classWeights), _options));
        var parts = new List<(string, Value)>
        {
            ("classes", layers.Select(l => l.Classes).Aggregate((a, b) => a.Add(b))),
            ("boxes", layers.Select(l => l.Boxes).Aggregate((a, b) => a.Add(b))),
            ("giou", layers.Select(l => l.Giou).Aggregate((a, b) => a.Add(b))),
        };
        if (_net.Masks is { } head)
        {
            // Only masks of matched queries enter the loss, so no others are drawn.
            var queries = layers[^1].Queries;
            var masks = head.Forward(outputs, outputs.States.GatherInBatch(queries));
            var (focal, dice) = MaskLoss.Of(masks, targets.Masks, SetLoss.IsMatched(queries), wanted.BoxCount);
            parts.Add(("mask", focal.Affine(_options.MaskWeight)));
            parts.Add(("dice", dice.Affine(_options.MaskWeight)));
        }
        return DetectionLoss.Of(parts);
    }

    /// <inheritdoc/>
    public override Value Detect(Value images)
    {
        var outputs = _net.Outputs(images, images.Tape.Input(_positions));
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Softmax,
            Background = ClassCount,
            BestClass = true,
            ScoreThreshold = 0,
            Boxes = BoxMode.Centre,
            ClipWidth = ImageSize,
            ClipHeight = ImageSize,
        };
        return new DetectBoxesOperation(decode, Nms: null, MaxDetections)
            .Record(outputs.Logits[^1], default, outputs.Boxes[^1].Affine(ImageSize), default)[0];
    }

    /// <summary>Records logits of a mask per query, [B][N][h][w].</summary>
    /// <exception cref="InvalidOperationException">The network has no mask head.</exception>
    public Value Masks(Value images)
    {
        ArgumentNullException.ThrowIfNull(images.Tape);
        var head = _net.Masks ?? throw new InvalidOperationException("this DETR draws no masks");
        var outputs = _net.Outputs(images, images.Tape.Input(_positions));
        return head.Forward(outputs, outputs.States);
    }
}
