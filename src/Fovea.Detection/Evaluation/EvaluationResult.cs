namespace Fovea.Detection.Evaluation;

/// <summary>Average precision and recall by threshold, range of sizes, number of detections and category.</summary>
public sealed class EvaluationResult
{
    // [size][limit][threshold][category]; NaN where the category has no object of the size.
    private readonly double[] _precision;
    private readonly double[] _recall;

    internal EvaluationResult(EvaluationOptions options, IReadOnlyList<ObjectCategory> categories)
    {
        Options = options;
        Categories = categories;
        int count = options.Sizes.Count * options.MaxDetections.Count * options.IouThresholds.Count * categories.Count;
        _precision = new double[count];
        _recall = new double[count];
        Array.Fill(_precision, double.NaN);
        Array.Fill(_recall, double.NaN);
    }

    /// <summary>What was measured.</summary>
    public EvaluationOptions Options { get; }

    /// <summary>The categories of the set.</summary>
    public IReadOnlyList<ObjectCategory> Categories { get; }

    /// <summary>Mean average precision over what is left open; categories without objects do not count.</summary>
    /// <param name="iou">One of the thresholds, or null for the mean over all.</param>
    /// <param name="size">Name of a range of sizes, or null for the first.</param>
    /// <param name="maxDetections">One of the limits, or null for the greatest.</param>
    /// <param name="category">Index of a category, or null for the mean over all.</param>
    /// <returns>0 to 1, or NaN where there is no object.</returns>
    /// <exception cref="ArgumentException">This was not measured.</exception>
    public double AveragePrecision(double? iou = null, string? size = null, int? maxDetections = null, int? category = null) =>
        Mean(_precision, iou, size, maxDetections, category);

    /// <summary>Mean recall: the part of the objects that was found. Parameters, result and errors are those of
    /// <see cref="AveragePrecision"/>.</summary>
    public double AverageRecall(double? iou = null, string? size = null, int? maxDetections = null, int? category = null) =>
        Mean(_recall, iou, size, maxDetections, category);

    internal void Set(int size, int limit, int threshold, int category, double precision, double recall)
    {
        int at = Index(size, limit, threshold, category);
        _precision[at] = precision;
        _recall[at] = recall;
    }

    private int Index(int size, int limit, int threshold, int category) =>
        ((size * Options.MaxDetections.Count + limit) * Options.IouThresholds.Count + threshold) * Categories.Count + category;

    private double Mean(double[] values, double? iou, string? size, int? maxDetections, int? category)
    {
        int s = size is null ? 0 : Find(Options.Sizes, r => r.Name == size, $"size '{size}'");
        int m = maxDetections is null ? Options.MaxDetections.Count - 1 : Find(Options.MaxDetections, n => n == maxDetections, $"limit {maxDetections}");
        // Thresholds come out of a division: 0.75 may be stored as the double beside it.
        int t = iou is null ? -1 : Find(Options.IouThresholds, v => Math.Abs(v - iou.Value) < 1e-9, $"overlap {iou}");
        if (category is { } c) ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)c, (uint)Categories.Count, nameof(category));
        double sum = 0;
        int count = 0;
        for (int threshold = Math.Max(t, 0); threshold < (t < 0 ? Options.IouThresholds.Count : t + 1); threshold++)
        {
            for (int k = category ?? 0; k < (category is null ? Categories.Count : category + 1); k++)
            {
                double value = values[Index(s, m, threshold, k)];
                if (double.IsNaN(value)) continue;
                sum += value;
                count++;
            }
        }
        return count == 0 ? double.NaN : sum / count;
    }

    private static int Find<T>(IReadOnlyList<T> list, Predicate<T> match, string what)
    {
        for (int i = 0; i < list.Count; i++)
            if (match(list[i])) return i;
        throw new ArgumentException($"{what} was not measured");
    }
}
