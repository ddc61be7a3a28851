using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Which default box answers for which object in SSD: boxes [B][M][4], classes [B][M], default boxes [N][4] to labels i32 [B*N]
/// (C for the ground), deltas [B][N][4] (0 at the ground), 1 where a box has an object [B][N][1], and their number [1], at least
/// 1.</summary>
/// <param name="ClassCount">C.</param>
internal sealed record SsdTargetsOperation(int ClassCount) : HostOperation
{
    private const float Threshold = 0.5f;

    public override string Name => "ssd_targets";

    public override int OutputCount => 4;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes, anchors) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2]) || anchors.Rank != 2 || anchors[1] != 4)
            throw Bad($"boxes {boxes}, classes {classes} and default boxes {anchors} do not fit");
        outputs[0] = new TensorSpec(DType.Int32, boxes[0] * anchors[0]);
        outputs[1] = boxes.With(boxes[0], anchors[0], 4);
        outputs[2] = boxes.With(boxes[0], anchors[0], 1);
        outputs[3] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var classes = tensors.Input<int>(1);
        var anchors = tensors.Input<float>(2);
        var labels = tensors.Output<int>(0);
        var deltas = tensors.Output<float>(1);
        var isPositive = tensors.Output<float>(2);
        deltas.Clear();
        var (count, positives) = (anchors.Length / 4, 0);
        var matches = new int[count];
        for (var image = 0; image < tensors.InputShape(0)[0]; image++)
        {
            var objects = Objects.Of(tensors, image);
            SsdMatcher.Match(BoxOverlap.Table(objects, anchors), Threshold, matches);
            for (var n = 0; n < count; n++)
            {
                var (row, match) = (image * count + n, matches[n]);
                isPositive[row] = match < 0 ? 0 : 1;
                labels[row] = match < 0 ? ClassCount : classes[image * (int)tensors.InputShape(1)[1] + match];
                if (match < 0) continue;
                positives++;
                BoxCoder.Scaled.Encode(anchors.Slice(4 * n, 4), objects.Slice(4 * match, 4), deltas.Slice(4 * row, 4));
            }
        }
        tensors.Output<float>(3)[0] = Math.Max(1, positives);
    }
}
