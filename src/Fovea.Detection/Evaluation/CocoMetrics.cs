namespace Fovea.Detection.Evaluation;

/// <summary>The twelve numbers by which COCO compares detectors, each 0 to 1, or NaN (the official tool prints -1) where the set has no
/// object of that size.</summary>
/// <param name="Ap">Average precision, mean over overlaps 0.5, 0.55 ... 0.95.</param>
/// <param name="Ap50">At overlap 0.5.</param>
/// <param name="Ap75">At overlap 0.75.</param>
/// <param name="ApSmall">Objects up to 32 x 32 pixels.</param>
/// <param name="ApMedium">Objects from there to 96 x 96.</param>
/// <param name="ApLarge">Objects from 96 x 96.</param>
/// <param name="Ar1">Average recall, mean over the same overlaps, with one detection per image and category.</param>
/// <param name="Ar10">With ten.</param>
/// <param name="Ar100">With a hundred.</param>
/// <param name="ArSmall">With a hundred, small objects.</param>
/// <param name="ArMedium">With a hundred, medium objects.</param>
/// <param name="ArLarge">With a hundred, large objects.</param>
public sealed record CocoMetrics(
    double Ap, double Ap50, double Ap75, double ApSmall, double ApMedium, double ApLarge,
    double Ar1, double Ar10, double Ar100, double ArSmall, double ArMedium, double ArLarge)
{
    /// <summary>Takes the numbers out of a result measured with the default options.</summary>
    /// <exception cref="ArgumentException">The result lacks one of the thresholds, sizes or limits.</exception>
    public static CocoMetrics From(EvaluationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return new CocoMetrics(
            result.AveragePrecision(maxDetections: 100), result.AveragePrecision(iou: 0.5, maxDetections: 100), result.AveragePrecision(iou: 0.75, maxDetections: 100),
            result.AveragePrecision(size: "small", maxDetections: 100), result.AveragePrecision(size: "medium", maxDetections: 100),
            result.AveragePrecision(size: "large", maxDetections: 100),
            result.AverageRecall(maxDetections: 1), result.AverageRecall(maxDetections: 10), result.AverageRecall(maxDetections: 100),
            result.AverageRecall(size: "small", maxDetections: 100), result.AverageRecall(size: "medium", maxDetections: 100),
            result.AverageRecall(size: "large", maxDetections: 100));
    }
}
