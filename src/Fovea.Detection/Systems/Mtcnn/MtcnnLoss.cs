using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The loss of one of MTCNN's networks (Zhang et al., "Joint Face Detection and Alignment using Multitask Cascaded Convolutional Networks",
/// 2016): cross-entropy of the hardest windows, squared distances of boxes and landmarks.</summary>
internal static class MtcnnLoss
{
    /// <summary>Records the loss.</summary>
    /// <param name="outputs">[N][6 or 16]: class logits, deltas, landmarks.</param>
    /// <param name="batch">Targets.</param>
    /// <param name="hardShare">See <see cref="HardExamplesOperation"/>.</param>
    public static DetectionLoss Record(Value outputs, MtcnnTargets batch, float hardShare)
    {
        // The softmax of two logits is the sigmoid of their difference.
        var losses = outputs.Columns(1, 1).Subtract(outputs.Columns(0, 1)).BinaryCrossEntropy(batch.IsFace);
        var weights = new HardExamplesOperation(hardShare).Record(losses, batch.HasClass)[0];
        var parts = new List<(string, Value)>
        {
            ("class", losses.Multiply(weights).Sum()),
            ("box", Squared(outputs.Columns(2, 4), batch.Deltas, batch.DeltaWeights).Affine(0.5f)),
        };
        if (outputs.Shape[1] > 6) parts.Add(("points", Squared(outputs.Columns(6, 10), batch.Points, batch.PointWeights)));
        return DetectionLoss.Of(parts);
    }

    private static Value Squared(Value x, Value target, Value weights) => x.PointwiseLoss(target, PointwiseLossOptions.Squared).Multiply(weights).Sum();
}
