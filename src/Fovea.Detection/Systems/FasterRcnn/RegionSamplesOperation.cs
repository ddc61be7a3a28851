using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Which regions the second stage is trained on: boxes [B][M][4], classes [B][M], proposals [B][P][6] (those without an area are
/// empty places) to R places per image: regions [B*R][4] (zeros in empty places), labels i32 [B*R] (C for the ground, -100 in empty places),
/// deltas [B*R][4], 1 where a region has an object [B*R][1], the row of the label's deltas among C + 1 per region i32 [B*R], and the number of
/// regions [1], at least 1. The objects themselves are among the proposals.</summary>
/// <param name="ClassCount">C.</param>
/// <param name="Samples">R; a quarter of them have an object at most.</param>
internal sealed record RegionSamplesOperation(int ClassCount, int Samples) : HostOperation
{
    private const float Threshold = 0.5f;
    private const long Sequence = 2; // of random numbers; anchors have another
    private const int Unused = -100; // the label that cross-entropy leaves out

    public override string Name => "region_samples";

    public override int OutputCount => 6;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes, proposals) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2]) ||
            proposals.Rank != 3 || proposals[0] != boxes[0] || proposals[2] != 6)
            throw Bad($"boxes {boxes}, classes {classes} and proposals {proposals} do not fit");
        var regions = boxes[0] * Samples;
        outputs[0] = outputs[2] = boxes.With(regions, 4);
        outputs[1] = outputs[4] = new TensorSpec(DType.Int32, regions);
        outputs[3] = boxes.With(regions, 1);
        outputs[5] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var classes = tensors.Input<int>(1);
        var proposals = tensors.Input<float>(2);
        var regions = tensors.Output<float>(0);
        var labels = tensors.Output<int>(1);
        var deltas = tensors.Output<float>(2);
        var isPositive = tensors.Output<float>(3);
        var rows = tensors.Output<int>(4);
        regions.Clear();
        labels.Fill(Unused);
        deltas.Clear();
        isPositive.Clear();
        var random = tensors.Random(Sequence);
        var (places, count) = ((int)tensors.InputShape(1)[1], (int)tensors.InputShape(2)[1]);
        var sampled = 0;
        for (var image = 0; image < tensors.InputShape(0)[0]; image++)
        {
            var objects = Objects.Of(tensors, image);
            var candidates = Candidates(proposals.Slice(6 * image * count, 6 * count), objects);
            var (matches, isPicked) = (new int[candidates.Length / 4], new bool[candidates.Length / 4]);
            MaxIouMatcher.Match(BoxOverlap.Table(objects, candidates), Threshold, Threshold, keepsLowQuality: false, matches);
            sampled += BalancedSampler.Sample(matches, Samples, Samples / 4, random, checked((uint)(image * (count + places))), isPicked);
            var row = image * Samples;
            for (var i = 0; i < matches.Length; i++)
            {
                if (!isPicked[i]) continue;
                candidates.AsSpan(4 * i, 4).CopyTo(regions[(4 * row)..]);
                labels[row] = matches[i] < 0 ? ClassCount : classes[image * places + matches[i]];
                if (matches[i] >= 0)
                {
                    isPositive[row] = 1;
                    BoxCoder.Scaled.Encode(candidates.AsSpan(4 * i, 4), objects.Slice(4 * matches[i], 4), deltas.Slice(4 * row, 4));
                }
                row++;
            }
        }
        for (var row = 0; row < rows.Length; row++) rows[row] = row * (ClassCount + 1) + Math.Max(0, labels[row]);
        tensors.Output<float>(5)[0] = Math.Max(1, sampled);
    }

    // Boxes with an area: of the proposals, then of the objects.
    private static float[] Candidates(ReadOnlySpan<float> proposals, ReadOnlySpan<float> objects)
    {
        var boxes = new List<float>();
        for (var i = 0; i < proposals.Length; i += 6) Add(proposals.Slice(i, 4));
        for (var i = 0; i < objects.Length; i += 4) Add(objects.Slice(i, 4));
        return [.. boxes];

        void Add(ReadOnlySpan<float> box)
        {
            if (box[2] > box[0] && box[3] > box[1]) boxes.AddRange(box);
        }
    }
}
