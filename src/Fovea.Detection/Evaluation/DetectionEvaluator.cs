namespace Fovea.Detection.Evaluation;

/// <summary>Average precision and recall of detections against labels, by COCO's or VOC's rules.</summary>
/// <remarks>Exact double arithmetic in a fixed order: the same input gives the same bits. Against the official COCO tool the results agree
/// to rounding: there, a detection that is alone in its ranking has a precision of 1 - 2.2e-16 instead of 1.</remarks>
public static class DetectionEvaluator
{
    /// <summary>Evaluates <paramref name="detections"/>, in any order; those with equal scores rank by image, then by position.</summary>
    /// <exception cref="ArgumentException">A detection refers to an image or category that the set does not have, its box is not finite or
    /// has a negative side, or the options make no sense.</exception>
    public static EvaluationResult Evaluate(AnnotatedDataset truth, ReadOnlySpan<ScoredBox> detections, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(truth);
        options ??= new EvaluationOptions();
        options.Validate();
        truth.Require(detections);
        var groups = new CategoryGroups(truth, detections);
        var matches = new CategoryMatches(options);
        var result = new EvaluationResult(options, truth.Categories);
        for (int category = 0; category < truth.Categories.Count; category++)
        {
            matches.Clear();
            while (groups.NextImage(category, out var objects, out var boxes)) matches.AddImage(objects, boxes);
            matches.Score(result, category);
        }
        return result;
    }
}
