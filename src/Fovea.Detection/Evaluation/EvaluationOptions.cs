namespace Fovea.Detection.Evaluation;

/// <summary>What <see cref="DetectionEvaluator"/> measures. The defaults are COCO's.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Least overlaps of a hit; by default 0.5, 0.55 ... 0.95. Each is above 0 and at most 1.</summary>
    public IReadOnlyList<double> IouThresholds { get; init; } = CocoThresholds();

    /// <summary>Ranges of object sizes; by default all, small, medium, large. Objects beyond a range are ignored in it.</summary>
    public IReadOnlyList<SizeRange> Sizes { get; init; } = [SizeRange.All, .. SizeRange.Coco];

    /// <summary>How many detections of a category count in an image, best first; by default 1, 10 and 100, ascending.</summary>
    public IReadOnlyList<int> MaxDetections { get; init; } = [1, 10, 100];

    /// <summary>Which average precision; by default COCO's 101 points.</summary>
    public ApInterpolation Interpolation { get; init; } = ApInterpolation.HundredOnePoints;

    /// <summary>Which object a detection is compared with; by default COCO's rule.</summary>
    public MatchRule Rule { get; init; }

    /// <summary>Whether edges name the outermost pixels, as in VOC's own tools; the readers here convert VOC's boxes to real edges, so
    /// that false, the default, gives the same overlaps.</summary>
    public bool PlusOne { get; init; }

    /// <summary>PASCAL VOC since 2010: overlap 0.5, area under the curve, every detection counts.</summary>
    public static EvaluationOptions Voc { get; } = new()
    {
        IouThresholds = [0.5],
        Sizes = [SizeRange.All],
        MaxDetections = [int.MaxValue],
        Interpolation = ApInterpolation.EveryPoint,
        Rule = MatchRule.BestOnly,
    };

    /// <summary>PASCAL VOC 2007: as <see cref="Voc"/>, with eleven points.</summary>
    public static EvaluationOptions Voc2007 { get; } = Voc with { Interpolation = ApInterpolation.ElevenPoints };

    /// <summary>For face sets: overlap 0.5, area under the curve, up to 1,000 faces in an image, sizes by the shorter side.</summary>
    public static EvaluationOptions Faces { get; } = new()
    {
        IouThresholds = [0.5],
        Sizes = [SizeRange.All, .. SizeRange.Faces],
        MaxDetections = [1000],
        Interpolation = ApInterpolation.EveryPoint,
    };

    internal void Validate()
    {
        if (IouThresholds.Count == 0 || !IouThresholds.All(t => t is > 0 and <= 1))
            throw new ArgumentException($"overlaps must lie above 0 and up to 1, got [{string.Join(", ", IouThresholds)}]");
        if (Sizes.Count == 0) throw new ArgumentException("no range of sizes");
        if (MaxDetections.Count == 0 || MaxDetections[0] < 1 || !MaxDetections.Zip(MaxDetections.Skip(1)).All(p => p.First < p.Second))
            throw new ArgumentException($"numbers of detections must ascend from at least 1, got [{string.Join(", ", MaxDetections)}]");
    }

    // The double-precision values of numpy.linspace(0.5, 0.95, 10), which the official tool compares with.
    private static double[] CocoThresholds()
    {
        double step = (0.95 - 0.5) / 9;
        return [.. Enumerable.Range(0, 9).Select(i => 0.5 + i * step), 0.95];
    }
}
