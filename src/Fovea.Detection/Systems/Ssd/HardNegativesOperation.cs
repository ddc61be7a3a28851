using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Which labels enter SSD's class loss: logits [B][N][C + 1] and labels i32 [B*N] to labels i32 [B*N], <see cref="Unused"/> at boxes
/// of the ground that are not among the hardest of their image, and [1] = labels that are left by boxes that have an object, which turns a
/// mean over the former into a sum by the latter.</summary>
/// <param name="Ratio">Boxes of the ground for each that has an object.</param>
internal sealed record HardNegativesOperation(int Ratio) : HostOperation
{
    /// <summary>The label that cross-entropy leaves out.</summary>
    public const int Unused = -100;

    public override string Name => "hard_negatives";

    public override int OutputCount => 2;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (logits, labels) = (inputs[0]!, inputs[1]!);
        if (logits.Rank != 3 || labels.Rank != 1 || labels[0] != logits[0] * logits[1]) throw Bad($"labels {labels} do not fit logits {logits}");
        outputs[0] = labels;
        outputs[1] = logits.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var logits = tensors.Input<float>(0);
        var labels = tensors.Input<int>(1);
        var kept = tensors.Output<int>(0);
        var (count, columns) = ((int)tensors.InputShape(0)[1], (int)tensors.InputShape(0)[2]);
        var (losses, matches, isPicked) = (new double[count], new int[count], new bool[count]);
        int positives = 0, left = 0;
        for (var image = 0; image < tensors.InputShape(0)[0]; image++)
        {
            for (var n = 0; n < count; n++)
            {
                var label = labels[image * count + n];
                matches[n] = label == columns - 1 ? MaxIouMatcher.Background : label;
                if (matches[n] < 0) losses[n] = GroundLoss(logits.Slice((image * count + n) * columns, columns));
                else positives++;
            }
            left += HardNegatives.Pick(losses, matches, Ratio, isPicked);
            for (var n = 0; n < count; n++) kept[image * count + n] = matches[n] >= 0 || isPicked[n] ? labels[image * count + n] : Unused;
        }
        tensors.Output<float>(1)[0] = (left + positives) / (float)Math.Max(1, positives);
    }

    // -log softmax of the last column.
    private static double GroundLoss(ReadOnlySpan<float> logits)
    {
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp((double)logit - logits[^1]);
        return Math.Log(sum);
    }
}
