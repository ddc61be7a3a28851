using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Experiments.DetrSet;

/// <summary>DETR and a dense detector learn the same scenes; then their boxes are judged with and without suppression.</summary>
internal sealed class DetrSetExperiment : IExperiment
{
    private const int Seed = 1, Size = 96, Images = 64, QuickImages = 8, QuickSteps = 400, QuickDenseSteps = 200;
    private const double Reported = 0.5; // score from which a box counts as said
    private const double LeastLearnt = 0.9, MostDuplicates = 0.2, LeastDenseDuplicates = 1, MostLoss = 0.02, LeastDenseLoss = 0.1;

    private static readonly float?[] Thresholds = [0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, null];

    public string Name => "detr-set";

    public string Description => "DETR names each object once and needs no suppression; a dense detector names it many times (minutes)";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var data = TrainingData.Scenes(new SceneOptions { Width = Size, Height = Size }, Seed, quick ? QuickImages : Images, heldOut: 0);
        var dense = new FcosOptions { IouThreshold = float.PositiveInfinity }; // nothing is suppressed
        progress("detr");
        var detr = Train("detr", DetrSystem.Small, data, quick ? QuickSteps : null);
        progress("fcos");
        var fcos = Train("fcos", (init, size, classes) => FcosSystem.Small(init, size, classes, dense), data, quick ? QuickDenseSteps : null);
        return Judge(detr, fcos);
    }

    private static Row[] Train(string name, Func<Initializer, int, int, DetectionSystem> create, TrainingData data, int? steps)
    {
        var options = DetectionSystems.Options(name) with { Seed = Seed };
        if (steps is { } count) options = options with { Steps = count };
        using var stream = Device.Cpu.CreateStream();
        using var system = create(new Initializer(stream, Seed), data.Size, data.Learnt.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, system, data.Learnt, options);
        var start = Stopwatch.GetTimestamp();
        while (trainer.Step < options.Steps) trainer.Train();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using var averages = trainer.UseAverages();
        var scenes = DetectedScenes.By(stream, system, data.Learnt);
        return [.. Thresholds.Select(iou => new Row(name, iou, scenes.Judge(stream, iou, Reported), seconds))];
    }

    private static ExperimentResult Judge(Row[] detr, Row[] fcos)
    {
        static Row Plain(Row[] rows) => rows.Single(r => r.Iou is null);
        static double Best(Row[] rows) => rows.Max(r => r.Numbers.Ap50);
        static double Loss(Row[] rows) => Best(rows) - Plain(rows).Numbers.Ap50;
        var pass = Plain(detr).Numbers.Ap50 > LeastLearnt && Best(fcos) > LeastLearnt
            && Plain(detr).Numbers.Duplicates < MostDuplicates && Plain(fcos).Numbers.Duplicates > LeastDenseDuplicates
            && Loss(detr) < MostLoss && Loss(fcos) > LeastDenseLoss;
        var plot = new LinePlot("AP50 by suppression", "IoU from which boxes are suppressed; 1: never", "AP50") { IsFromZero = true };
        foreach (var rows in (Row[][])[detr, fcos]) plot.Add(rows[0].System, rows.Select(r => ((double)(r.Iou ?? 1), r.Numbers.Ap50)));
        return new ExperimentResult(
            pass,
            string.Create(CultureInfo.InvariantCulture,
                $"both learn their scenes (AP50 above {LeastLearnt}); without suppression DETR has fewer than {MostDuplicates} duplicates per object and loses less than " +
                $"{MostLoss} of AP50 against the best threshold, the dense detector has more than {LeastDenseDuplicates} and loses more than {LeastDenseLoss}"),
            string.Create(CultureInfo.InvariantCulture,
                $"duplicates per object: DETR {Plain(detr).Numbers.Duplicates:F3}, FCOS {Plain(fcos).Numbers.Duplicates:F2}; AP50 without suppression and at best: " +
                $"DETR {Plain(detr).Numbers.Ap50:F3} and {Best(detr):F3}, FCOS {Plain(fcos).Numbers.Ap50:F3} and {Best(fcos):F3}"),
            ["system", "suppression_iou", "AP", "AP50", "duplicates_per_object", "seconds"], [.. detr.Concat(fcos).Select(r => r.Cells)])
        { Plot = plot };
    }

    private sealed record Row(string System, float? Iou, (double Ap, double Ap50, double Duplicates) Numbers, double Seconds)
    {
        internal IReadOnlyList<object?> Cells => [System, Iou is { } iou ? Math.Round((double)iou, 1) : "none", Numbers.Ap, Numbers.Ap50, Numbers.Duplicates, Seconds];
    }
}
