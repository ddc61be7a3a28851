using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

/// <summary>COCO's rules step by step and without any thought for speed: every list is made anew for each category, size and
/// threshold. What <see cref="DetectionEvaluator"/> is compared with.</summary>
internal static class NaiveCoco
{
    /// <summary>Average precision and recall of one category; NaN where it has no object of the size.</summary>
    public static (double Precision, double Recall) Evaluate(AnnotatedDataset truth, ScoredBox[] detections, int category, double threshold, SizeRange size, int limit)
    {
        var ranking = new List<(double Score, bool IsHit)>();
        int positives = 0;
        for (int image = 0; image < truth.Images.Count; image++)
        {
            var objects = truth.Objects.Where(o => o.Image == image && o.Category == category)
                .Select(o => (Object: o, Ignored: o.IsCrowd || o.IsIgnored || !Fits(size, o.Box, o.Area))).OrderBy(o => o.Ignored).ToArray();
            positives += objects.Count(o => !o.Ignored);
            var taken = new bool[objects.Length];
            var best = detections.Where(d => d.Image == image && d.Category == category && !double.IsNaN(d.Score)).OrderByDescending(d => d.Score).Take(limit);
            foreach (var detection in best)
            {
                double least = Math.Min(threshold, 1 - 1e-10);
                int match = -1;
                for (int g = 0; g < objects.Length; g++)
                {
                    var (o, ignored) = objects[g];
                    if (taken[g] && !o.IsCrowd && !o.IsIgnored) continue;
                    if (match >= 0 && !objects[match].Ignored && ignored) break;
                    double overlap = Overlap(detection.Box, o.Box, o.IsCrowd);
                    if (overlap < least) continue;
                    least = overlap;
                    match = g;
                }
                if (match >= 0) taken[match] = true;
                bool isIgnored = match >= 0 ? objects[match].Ignored : !Fits(size, detection.Box, detection.Box.Area);
                if (!isIgnored) ranking.Add((detection.Score, match >= 0));
            }
        }
        if (positives == 0) return (double.NaN, double.NaN);
        var hits = ranking.OrderByDescending(r => r.Score).Select(r => r.IsHit).ToArray();
        double sum = 0;
        for (int k = 0; k <= 100; k++)
        {
            double highest = 0;
            for (int i = 0; i < hits.Length; i++)
            {
                int found = hits.Take(i + 1).Count(h => h);
                if ((double)found / positives >= k * 0.01) highest = Math.Max(highest, found / (i + 1.0));
            }
            sum += highest;
        }
        return (sum / 101, (double)hits.Count(h => h) / positives);
    }

    private static bool Fits(SizeRange size, BoxXywh box, double area)
    {
        double value = size.Measure == SizeMeasure.Area ? area : Math.Min(box.Width, box.Height);
        return value >= size.Least && value <= size.Most;
    }

    private static double Overlap(BoxXywh found, BoxXywh truth, bool crowd)
    {
        double w = Math.Max(0, Math.Min(found.X + found.Width, truth.X + truth.Width) - Math.Max(found.X, truth.X));
        double h = Math.Max(0, Math.Min(found.Y + found.Height, truth.Y + truth.Height) - Math.Max(found.Y, truth.Y));
        double union = crowd ? found.Area : found.Area + truth.Area - w * h;
        return union > 0 ? w * h / union : 0;
    }
}
