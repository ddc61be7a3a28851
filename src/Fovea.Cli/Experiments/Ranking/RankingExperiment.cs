using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Data;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.Ranking;

/// <summary>The same noisy boxes ranked by three scores that are learned from the same features (Zhang et al., "VarifocalNet", 2021): a class
/// that knows nothing of the box, the class times centerness, and a class that is wanted as high as the box's IoU.</summary>
internal sealed class RankingExperiment : IExperiment
{
    private const int Size = 96;
    private const double LeastGain = 0.1; // of AP75, from rule to rule

    // The thresholds of COCO, 0.5 to 0.95.
    private static readonly EvaluationOptions Rules = new() { MaxDetections = [100], Sizes = [SizeRange.All] };

    public string Name => "ranking";

    public string Description => "boxes whose noise has nothing to do with their classes: IoU-aware scores against centerness and class alone in AP75";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var (seeds, images, steps) = quick ? (2, 40, 300) : (12, 100, 500);
        using var stream = Device.Cpu.CreateStream();
        var runs = new List<Outcome>();
        for (var seed = 1; seed <= seeds; seed++)
        {
            progress($"seed {seed} of {seeds}");
            runs.AddRange(RunSeed(stream, seed, images, steps));
        }
        return Judge(runs, seeds);
    }

    // Learns from the first half of the scenes and ranks boxes in the second.
    private static Outcome[] RunSeed(DeviceStream stream, int seed, int images, int steps)
    {
        var scenes = new SceneGenerator(new SceneOptions { Width = Size, Height = Size }, seed, 2 * images);
        LabelledImage[] loaded = [.. Enumerable.Range(0, 2 * images).Select(i => scenes.Load(i))];
        var random = new Random(seed);
        List<NoisyCell> Cells(int start) => [.. Enumerable.Range(0, images).SelectMany(i => NoisyCell.Of(loaded[start + i].Objects, i, Size, random))];
        var (learnt, judged) = (Cells(0), Cells(images));
        using var heads = new ScoreHeads(stream, seed);
        heads.Train(learnt, steps);
        var scores = heads.Score(judged);

        var truth = new AnnotatedDataset(
            Enumerable.Range(0, images).Select(i => new AnnotatedImage(i, $"{i}", Size, Size)),
            scenes.ClassNames.Select((name, i) => new ObjectCategory(i, name)),
            loaded.Skip(images).SelectMany((image, i) => image.Objects.Select(
                o => new AnnotatedObject(i, o.Class, BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2)))));
        return [.. scores.Select((score, rule) =>
        {
            var result = DetectionEvaluator.Evaluate(truth, Suppressed(stream, judged, score), Rules);
            return new Outcome(seed, rule, [.. Rules.IouThresholds.Select(t => result.AveragePrecision(iou: t))], Correlation(judged, score));
        })];
    }

    private static ScoredBox[] Suppressed(DeviceStream stream, List<NoisyCell> cells, (int Class, double Score)[] scores)
    {
        var kept = new List<ScoredBox>();
        for (int start = 0, end; start < cells.Count; start = end)
        {
            for (end = start; end < cells.Count && cells[end].Image == cells[start].Image;) end++;
            var count = end - start;
            var said = scores.AsSpan(start, count).ToArray();
            using var boxes = DeviceTensor.From<float>(stream, [.. cells.Skip(start).Take(count).SelectMany(c => Corners(c.Box))], count, 4);
            using var values = DeviceTensor.From<float>(stream, [.. said.Select(s => (float)s.Score)], count);
            using var classes = DeviceTensor.From<int>(stream, [.. said.Select(s => s.Class)], count);
            using var keep = DeviceTensor.Allocate(stream, DType.Int32, count);
            using var found = DeviceTensor.Allocate(stream, DType.Int32, 1);
            Kernels.Nms(stream, new NmsOptions { IouThreshold = 0.6f }, boxes, values, classes, null, keep, found);
            foreach (var i in keep.ToArray<int>(stream).AsSpan(0, found.ToArray<int>(stream)[0]))
                kept.Add(new ScoredBox(cells[start + i].Image, said[i].Class, cells[start + i].Box, said[i].Score));
        }
        return [.. kept];

        static float[] Corners(BoxXywh b) => [(float)b.X, (float)b.Y, (float)(b.X + b.Width), (float)(b.Y + b.Height)];
    }

    // Pearson's, of score and IoU over the cells of objects.
    private static double Correlation(List<NoisyCell> cells, (int Class, double Score)[] scores)
    {
        (double X, double Y)[] pairs = [.. cells.Zip(scores).Where(p => p.First.Class >= 0).Select(p => (p.Second.Score, p.First.Overlap))];
        var (x, y) = (pairs.Average(p => p.X), pairs.Average(p => p.Y));
        return pairs.Sum(p => (p.X - x) * (p.Y - y)) / Math.Sqrt(pairs.Sum(p => (p.X - x) * (p.X - x)) * pairs.Sum(p => (p.Y - y) * (p.Y - y)));
    }

    private static ExperimentResult Judge(List<Outcome> runs, int seeds)
    {
        Outcome[][] byRule = [.. RankingRule.All.Select((_, rule) => runs.Where(r => r.Rule == rule).OrderBy(r => r.Seed).ToArray())];
        var (alone, centerness, aware) = (byRule[RankingRule.ClassAlone], byRule[RankingRule.TimesCenterness], byRule[RankingRule.Aware]);
        var ordered = Enumerable.Range(0, seeds).Count(i => aware[i].Ap75 > centerness[i].Ap75 && centerness[i].Ap75 > alone[i].Ap75);
        var (low, middle, high) = (Mean(alone), Mean(centerness), Mean(aware));
        var plot = new LinePlot("the same boxes, ranked by different scores", "IoU of a hit", "average precision");
        for (var rule = 0; rule < byRule.Length; rule++)
            plot.Add(RankingRule.All[rule], Rules.IouThresholds.Select((t, i) => (t, byRule[rule].Average(r => r.Precision[i]))));
        return new ExperimentResult(
            ordered == seeds && high >= middle + LeastGain && middle >= low + LeastGain,
            string.Create(CultureInfo.InvariantCulture,
                $"for every seed AP75 of IoU-aware classes is above that of class * centerness, and that above class alone; " +
                $"each step is {LeastGain} or more in the mean"),
            string.Create(CultureInfo.InvariantCulture,
                $"AP75 {high:F3}, {middle:F3} and {low:F3} in the mean of {seeds} seeds; the order holds for {ordered}"),
            ["ranked_by", "AP", "AP50", "AP75", "least_AP75", "correlation_with_iou"],
            [.. byRule.Select(Cells)])
        {
            Plot = plot,
        };

        static double Mean(Outcome[] runs) => runs.Average(r => r.Ap75);

        static IReadOnlyList<object?> Cells(Outcome[] runs, int rule) =>
        [
            RankingRule.All[rule], runs.Average(r => r.Precision.Average()), runs.Average(r => r.Precision[0]), Mean(runs), runs.Min(r => r.Ap75),
            runs.Average(r => r.Correlation),
        ];
    }

    /// <summary>One rule for one seed; precision by overlap, 0.5, 0.55, ... 0.95.</summary>
    private sealed record Outcome(int Seed, int Rule, double[] Precision, double Correlation)
    {
        public double Ap75 => Precision[5];
    }
}
