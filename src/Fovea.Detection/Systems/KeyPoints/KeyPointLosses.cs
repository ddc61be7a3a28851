using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Losses that the detectors of key points have in common.</summary>
internal static class KeyPointLosses
{
    // ln((1 - p)/p) for p = 1e-4.
    private const float LogitBound = 9.2102404f;

    /// <summary>The penalty-reduced focal loss of all cells, divided by the number of peaks (at least 1). Probabilities are held in [1e-4,
    /// 1 - 1e-4], as published: a cell outside has no gradient.</summary>
    public static Value HeatMap(Value logits, Value target, Value peaks) =>
        logits.Activate(Activation.Clamp(-LogitBound, LogitBound)).PointwiseLoss(target, PointwiseLossOptions.HeatMap()).Sum().Divide(peaks);

    /// <summary>What a map [B][H][W][n] holds at key points: [B*M][n], 0 where the cell is -1.</summary>
    public static Value At(Value map, Value cells) => map.Reshape(-1, map.Shape[3]).GatherRows(cells);

    /// <summary>Smooth L1 of the numbers at key points (<paramref name="beta"/> 0: L1), summed and divided by <paramref name="divisor"/> of
    /// their count + 1e-4. Empty places have cell -1 and targets 0, and so no loss.</summary>
    public static Value Regression(Value map, Value cells, Value target, Value objects, float beta, RegressionDivisor divisor)
    {
        var factor = divisor == RegressionDivisor.Numbers ? map.Shape[3] : 1;
        return At(map, cells).SmoothL1(target, beta).Sum().Divide(objects.Affine(factor, 1e-4f));
    }
}
