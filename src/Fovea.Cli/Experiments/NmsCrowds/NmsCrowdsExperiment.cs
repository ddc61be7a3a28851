using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.NmsCrowds;

/// <summary>Variants of suppression over the same noisy detections of people who stand apart, close, and behind each other.</summary>
internal sealed class NmsCrowdsExperiment : IExperiment
{
    private const int Seed = 1;
    private const double Reported = 0.3; // score from which a detection counts for precision

    private static readonly double[] Crowding = [0, 0.3, 0.5, 0.65];

    // Recall is measured with as many detections of an image as there are people.
    private static readonly EvaluationOptions Rules = new() { MaxDetections = [CrowdImage.People, 1000], Sizes = [SizeRange.All] };

    public string Name => "nms-crowds";

    public string Description => "greedy, DIoU, soft, matrix, cluster and weighted suppression over crowds: who is found, and how exactly";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        using var stream = Device.Cpu.CreateStream();
        var rows = new List<Row>();
        foreach (var overlap in Crowding)
        {
            progress(string.Create(CultureInfo.InvariantCulture, $"neighbours with an IoU of {overlap}"));
            var random = new Random(Seed);
            CrowdImage[] images = [.. Enumerable.Range(0, quick ? 20 : 400).Select(_ => CrowdImage.Make(random, overlap))];
            rows.AddRange(Suppression.All.Select(s => Judge(stream, images, overlap, s)));
        }
        return Judge(rows);
    }

    private static Row Judge(DeviceStream stream, CrowdImage[] images, double overlap, Suppression suppression)
    {
        var (objects, found) = (new List<AnnotatedObject>(), new List<ScoredBox>());
        for (var i = 0; i < images.Length; i++)
        {
            using var boxes = DeviceTensor.From<float>(stream, images[i].Boxes, images[i].Scores.Length, 4);
            using var scores = DeviceTensor.From<float>(stream, images[i].Scores, images[i].Scores.Length);
            objects.AddRange(images[i].Objects.Select(o => new AnnotatedObject(i, 0, o)));
            found.AddRange(suppression.Run(stream, boxes, scores).Select(r => new ScoredBox(i, 0, r.Box, r.Score)));
        }
        var truth = new AnnotatedDataset(
            images.Select((_, i) => new AnnotatedImage(i, $"{i}", 640, 1000)), [new ObjectCategory(0, "person")], objects);
        var all = DetectionEvaluator.Evaluate(truth, found.ToArray(), Rules);
        ScoredBox[] reported = [.. found.Where(f => f.Score >= Reported)];
        var hits = DetectionEvaluator.Evaluate(truth, reported, Rules).AverageRecall(iou: 0.5) * objects.Count;
        return new Row(overlap, suppression, all.AveragePrecision(), all.AveragePrecision(iou: 0.5), all.AveragePrecision(iou: 0.75),
            all.AverageRecall(iou: 0.5, maxDetections: CrowdImage.People), hits / reported.Length);
    }

    private static ExperimentResult Judge(List<Row> rows)
    {
        Row Of(string name, double overlap) => rows.Single(r => r.Suppression.Name == name && r.Overlap == overlap);
        var (apart, dense) = (Crowding[0], Crowding[^1]);
        var (greedyApart, greedyDense) = (Of(Suppression.Greedy, apart), Of(Suppression.Greedy, dense));
        string[] soft = [Suppression.SoftLinear, Suppression.SoftGaussian];
        var bestSoft = rows.Where(r => r.Overlap == apart && r.Suppression.IsSoft).Max(r => r.Precision);
        var pass = soft.All(s => Of(s, dense).Recall > greedyDense.Recall && Of(s, dense).Ap50 > greedyDense.Ap50)
            && Of(Suppression.Diou, dense).Recall > greedyDense.Recall
            && greedyApart.Precision > bestSoft
            && Of(Suppression.Weighted, apart).Ap75 > greedyApart.Ap75
            && Crowding.All(c => Of(Suppression.Cluster, c).Numbers == Of(Suppression.Greedy, c).Numbers);

        var plot = new LinePlot("AP50 by crowding", "IoU of neighbours", "AP50");
        foreach (var variant in rows.GroupBy(r => r.Suppression.Name)) plot.Add(variant.Key, variant.Select(r => (r.Overlap, r.Ap50)));
        return new ExperimentResult(
            pass,
            "in the densest crowd both soft variants have more recall and AP50 than greedy, and DIoU more recall; where people stand apart greedy " +
            "is more precise than soft and matrix, and weighted means have a higher AP75; cluster keeps what greedy keeps",
            string.Create(CultureInfo.InvariantCulture,
                $"dense recall: greedy {greedyDense.Recall:F3}, soft linear {Of(soft[0], dense).Recall:F3}, soft Gaussian {Of(soft[1], dense).Recall:F3}, " +
                $"DIoU {Of(Suppression.Diou, dense).Recall:F3}; precision apart: greedy {greedyApart.Precision:F3}, best of soft and matrix {bestSoft:F3}; " +
                $"AP75 apart: greedy {greedyApart.Ap75:F3}, weighted {Of(Suppression.Weighted, apart).Ap75:F3}"),
            ["suppression", "neighbour_iou", "AP", "AP50", "AP75", "recall", "precision"], [.. rows.Select(r => r.Cells)])
        { Plot = plot };
    }

    private sealed record Row(double Overlap, Suppression Suppression, double Ap, double Ap50, double Ap75, double Recall, double Precision)
    {
        public (double, double, double, double, double) Numbers => (Ap, Ap50, Ap75, Recall, Precision);

        public IReadOnlyList<object?> Cells => [Suppression.Name, Overlap, Ap, Ap50, Ap75, Recall, Precision];
    }
}
