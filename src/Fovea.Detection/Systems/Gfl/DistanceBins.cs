using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Distances as distributions over 0, 1, ... K - 1 strides (Li et al., "Generalized Focal Loss", 2020). Logits are [any shape] with
/// K neighbours per distance.</summary>
internal static class DistanceBins
{
    /// <summary>0, 1, ... K - 1 as [1][K].</summary>
    public static DeviceTensor Tensor(DeviceStream stream, int count) =>
        DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, count)], 1, count);

    /// <summary>The expected distances [M][1].</summary>
    public static Value Expected(Value logits, Value bins) => logits.Reshape(-1, bins.Shape[1]).Softmax().Linear(bins);

    /// <summary>Distribution focal loss [M]: cross-entropy with the two bins beside the distance, each weighted by its nearness. Distances
    /// [any shape of M elements] are cut to [0, K - 1.1].</summary>
    public static Value Loss(Value logits, Value distances, Value bins)
    {
        Value nearness;
        using (logits.Tape.NoGradient())
        {
            // A hat over each bin: 1 - |d - k| where that is positive.
            var cut = distances.Reshape(-1, 1).Activate(Activation.Clamp(0, bins.Shape[1] - 1.1f));
            nearness = cut.Subtract(bins).Unary(UnaryOp.Abs).Affine(-1, 1).Activate(Activation.Relu);
        }
        var logProbabilities = logits.Reshape(-1, bins.Shape[1]).Softmax(log: true);
        return logProbabilities.Multiply(nearness).Reduce(ReduceOp.Sum, keepDimensions: false, 1).Affine(-1);
    }
}
