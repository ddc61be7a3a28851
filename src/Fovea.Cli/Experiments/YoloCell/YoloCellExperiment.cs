using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Experiments.YoloCell;

/// <summary>Two objects whose centres lie in one cell: YOLO v1 has one truth per cell and finds one of them; detectors that do not divide the
/// image among cells find both. Pairs just as close on both sides of a cell's edge are the control.</summary>
internal sealed class YoloCellExperiment : IExperiment
{
    private const int Seeds = 3, Judged = 64, BatchSize = 8;
    private const double MostBoth = 0.05, MostRecall = 0.5 + MostBoth / 2, LeastBoth = 0.8, LeastControl = 0.6;

    private const string Yolo = "yolov1";

    // Steps in which a system learns the scenes; in a quick run YOLO v1 does not, and its control is not judged.
    private static readonly (string System, int Steps, int Quick)[] Contestants = [(Yolo, 800, 100), ("centernet", 250, 200)];

    public string Name => "yolo-cell";

    public string Description => "two objects in one cell: YOLO v1 finds one of them, CenterNet both; as close in two cells, YOLO v1 finds both (minutes)";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var rows = new List<Row>();
        foreach (var (name, steps, quickSteps) in Contestants)
        {
            for (var seed = 1; seed <= (quick ? 1 : Seeds); seed++)
            {
                progress($"{name}, seed {seed}");
                rows.Add(Train(name, seed, quick ? quickSteps : steps));
            }
        }
        return Judge(rows, judgesControl: !quick);
    }

    private static Row Train(string name, int seed, int steps)
    {
        var start = Stopwatch.GetTimestamp();
        // Every scene is seen once: what is measured is not memory.
        var learnt = new PairScenes(seed, (long)steps * BatchSize);
        var options = DetectionSystems.Options(name) with { Steps = steps, BatchSize = BatchSize, Seed = seed };
        using var stream = Device.Cpu.CreateStream();
        using var system = DetectionSystems.Create(name, new Initializer(stream, seed), PairScenes.Size, learnt.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, system, learnt, options);
        while (trainer.Step < steps) trainer.Train();
        using var averages = trainer.UseAverages();
        using var evaluation = new DetectorEvaluation(stream, system, BatchSize);
        var (others, recall) = (new PairScenes(-seed, Judged), new PairRecall());
        for (var at = 0; at < Judged; at += BatchSize)
        {
            LabelledImage[] scenes = [.. Enumerable.Range(at, BatchSize).Select(i => others.Load(i))];
            var found = evaluation.Detect(scenes);
            for (var i = 0; i < scenes.Length; i++) recall.Add(scenes[i], found[i]);
        }
        return new Row(name, seed, steps, recall, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static ExperimentResult Judge(List<Row> rows, bool judgesControl)
    {
        var (yolo, peers) = (rows.Where(r => r.System == Yolo).ToArray(), rows.Where(r => r.System != Yolo).ToArray());
        var (mostBoth, mostRecall) = (yolo.Max(r => r.Recall.BothInOneCell), yolo.Max(r => r.Recall.InOneCell));
        var (control, both) = (yolo.Min(r => r.Recall.BothInTwoCells), peers.Min(r => r.Recall.BothInOneCell));
        var plot = new LinePlot("share of pairs of which both objects are found", "centres in two cells", "centres in one cell") { IsFromZero = true };
        foreach (var system in rows.GroupBy(r => r.System)) plot.Add(system.Key, system.Select(r => (r.Recall.BothInTwoCells, r.Recall.BothInOneCell)), isLine: false);
        return new ExperimentResult(
            mostBoth <= MostBoth && mostRecall <= MostRecall && (control >= LeastControl || !judgesControl) && both >= LeastBoth,
            string.Create(CultureInfo.InvariantCulture,
                $"YOLO v1 finds both objects of at most {MostBoth:P0} of the pairs in one cell and at most {MostRecall:P1} of their objects, but both of at " +
                $"least {LeastControl:P0} of the pairs in two cells, which is judged in full runs; {string.Join(", ", peers.Select(r => r.System).Distinct())} finds both of at least {LeastBoth:P0} of the pairs in one cell"),
            string.Create(CultureInfo.InvariantCulture,
                $"YOLO v1: both of at most {mostBoth:P1} in one cell, at most {mostRecall:P1} of the objects, both of at least {control:P1} in two cells; others: both of at least {both:P1}"),
            Row.Columns, [.. rows.Select(r => r.Cells)])
        { Plot = plot };
    }

    private sealed record Row(string System, int Seed, int Steps, PairRecall Recall, double Seconds)
    {
        internal static readonly string[] Columns = ["system", "seed", "steps", "recall_one_cell", "both_one_cell", "recall_two_cells", "both_two_cells", "seconds"];

        internal IReadOnlyList<object?> Cells =>
            [System, Seed, Steps, Recall.InOneCell, Recall.BothInOneCell, Recall.InTwoCells, Recall.BothInTwoCells, Seconds];
    }
}
