using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What the proposal head is trained on: boxes [B][M][4], classes [B][M], anchors [N][4] to objectness [B][N][1] (1 at sampled
/// anchors with an object), 1 where an anchor was sampled [B][N][1], deltas [B][N][4] (0 where objectness is), and the number of samples
/// [1], at least 1.</summary>
/// <param name="Samples">Per image; half of them have an object at most.</param>
internal sealed record RpnTargetsOperation(int Samples) : HostOperation
{
    private const float Lower = 0.3f, Upper = 0.7f;
    private const long Sequence = 1; // of random numbers; regions have another

    public override string Name => "rpn_targets";

    public override int OutputCount => 4;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes, anchors) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2]) || anchors.Rank != 2 || anchors[1] != 4)
            throw Bad($"boxes {boxes}, classes {classes} and anchors {anchors} do not fit");
        outputs[0] = outputs[1] = boxes.With(boxes[0], anchors[0], 1);
        outputs[2] = boxes.With(boxes[0], anchors[0], 4);
        outputs[3] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var anchors = tensors.Input<float>(2);
        var objectness = tensors.Output<float>(0);
        var isSampled = tensors.Output<float>(1);
        var deltas = tensors.Output<float>(2);
        deltas.Clear();
        var random = tensors.Random(Sequence);
        var count = anchors.Length / 4;
        var (matches, isPicked, sampled) = (new int[count], new bool[count], 0);
        for (var image = 0; image < tensors.InputShape(0)[0]; image++)
        {
            var objects = Objects.Of(tensors, image);
            MaxIouMatcher.Match(BoxOverlap.Table(objects, anchors), Lower, Upper, keepsLowQuality: true, matches);
            sampled += BalancedSampler.Sample(matches, Samples, Samples / 2, random, checked((uint)(image * count)), isPicked);
            for (var n = 0; n < count; n++)
            {
                var row = image * count + n;
                var isPositive = isPicked[n] && matches[n] >= 0;
                objectness[row] = isPositive ? 1 : 0;
                isSampled[row] = isPicked[n] ? 1 : 0;
                if (isPositive) BoxCoder.Plain.Encode(anchors.Slice(4 * n, 4), objects.Slice(4 * matches[n], 4), deltas.Slice(4 * row, 4));
            }
        }
        tensors.Output<float>(3)[0] = Math.Max(1, sampled);
    }
}
