using System.Diagnostics;
using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Experiments.Systems;

/// <summary>Every system that can be trained, on the same scenes, each with its own options: a few scenes by heart, which shows that loss,
/// assignment and decoding fit together, then many, which shows what it makes of scenes that it has not seen.</summary>
/// <param name="names">Which of them; null: all.</param>
internal sealed class SystemsExperiment(IReadOnlyList<string>? names = null) : IExperiment
{
    private const int Seed = 1, Size = 96, ByHeart = 64, Many = 1024, HeldOut = 128, ManySteps = 800, QuickSteps = 8;
    private const double LeastLearnt = 0.95, LeastHeldOut = 0.5; // AP50

    // Set prediction finds out what an object is from its matched queries alone: it takes tens of times as many steps as dense heads do
    // before unseen scenes are better than chance (Carion et al. train 300 epochs). Its row is shown, and its scenes by heart are judged.
    private const string SlowToGeneralise = "detr";

    public string Name => "systems";

    public string Description => "every detector trained on the same scenes: AP, AP of small objects, time per image, parameters (many minutes)";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var scenes = new SceneOptions { Width = Size, Height = Size };
        var (few, many) = (TrainingData.Scenes(scenes, Seed, quick ? 8 : ByHeart, HeldOut), TrainingData.Scenes(scenes, Seed, Many, HeldOut));
        var rows = new List<Row>();
        foreach (var name in names ?? DetectionSystems.Names)
        {
            var options = DetectionSystems.Options(name) with { Seed = Seed };
            if (quick)
            {
                progress(name);
                // Every step sees the same images, at the start of the schedule.
                rows.Add(Train(name, few, options with { BatchSize = (int)few.Learnt.Count }, QuickSteps, quick));
                continue;
            }
            progress($"{name}, {ByHeart} scenes by heart");
            var byHeart = Train(name, few, options, options.Steps, quick);
            progress($"{name}, {Many} scenes");
            options = options with { Steps = Math.Max(options.Steps, ManySteps) };
            rows.Add(Train(name, many, options, options.Steps, quick) with { Learnt = byHeart.Learnt });
        }
        return quick ? JudgeLosses(rows) : Judge(rows);
    }

    private static Row Train(string name, TrainingData data, DetectorTrainingOptions options, long steps, bool quick)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = DetectionSystems.Create(name, new Initializer(stream, Seed), data.Size, data.Learnt.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, system, data.Learnt, options);
        var (start, losses) = (Stopwatch.GetTimestamp(), new List<float>());
        while (trainer.Step < steps) losses.Add(trainer.Train().Loss);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        using var averages = trainer.UseAverages();
        using var single = new DetectorEvaluation(stream, system, batchSize: 1);
        using var evaluation = new DetectorEvaluation(stream, system, options.BatchSize);
        return new Row(name, system.Parameters.Sum(p => p.Spec.ElementCount), steps, seconds, single.MedianMilliseconds([data.HeldOut.Load(0)]),
            Of(data.Learnt, ByHeart), Of(data.HeldOut, quick ? 8 : HeldOut), losses[0], losses.Skip(1).Min());

        CocoMetrics Of(ILabelledImages images, int most) => evaluation.Evaluate(images, 0, (int)Math.Min(most, images.Count));
    }

    private static ExperimentResult Judge(List<Row> rows)
    {
        var (worst, worstHeldOut) = (rows.MinBy(r => r.Learnt.Ap50)!, rows.Where(r => r.Name != SlowToGeneralise).MinBy(r => r.HeldOut.Ap50)!);
        var plot = new LinePlot("held-out AP50 by time per image", "ms per image, one at a time", "AP50") { IsFromZero = true };
        foreach (var row in rows) plot.Add(row.Name, [(row.Ms, row.HeldOut.Ap50)], isLine: false);
        return new ExperimentResult(
            worst.Learnt.Ap50 > LeastLearnt && worstHeldOut.HeldOut.Ap50 > LeastHeldOut,
            string.Create(CultureInfo.InvariantCulture, $"every system has an AP50 above {LeastLearnt} on {ByHeart} scenes learnt by heart, and, but for {SlowToGeneralise}, after {Many} scenes one above {LeastHeldOut} on {HeldOut} others"),
            string.Create(CultureInfo.InvariantCulture,
                $"worst by heart: {worst.Name} {worst.Learnt.Ap50:F3}; on others: {worstHeldOut.Name} {worstHeldOut.HeldOut.Ap50:F3}"),
            Row.Columns, [.. rows.Select(r => r.Cells)])
        { Plot = plot };
    }

    // A few steps are too few for boxes.
    private static ExperimentResult JudgeLosses(List<Row> rows)
    {
        var risen = rows.Where(r => !(r.LeastLoss < r.FirstLoss)).Select(r => r.Name).ToArray();
        return new ExperimentResult(
            risen.Length == 0, $"the loss of every system falls below its first value within {QuickSteps} steps",
            risen.Length == 0 ? $"so it does for all {rows.Count}" : $"not for {string.Join(", ", risen)}", Row.Columns, [.. rows.Select(r => r.Cells)]);
    }

    private sealed record Row(
        string Name, long Parameters, long Steps, double Seconds, double Ms, CocoMetrics Learnt, CocoMetrics HeldOut, float FirstLoss, float LeastLoss)
    {
        internal static readonly string[] Columns =
        [
            "system", "parameters", "steps", "seconds", "ms_per_image", "first_loss", "least_loss", "AP_by_heart", "AP50_by_heart", "AP", "AP50", "AP75", "AP_small",
        ];

        internal IReadOnlyList<object?> Cells =>
        [
            Name, Parameters, Steps, Seconds, Ms, (double)FirstLoss, (double)LeastLoss, Learnt.Ap, Learnt.Ap50, HeldOut.Ap, HeldOut.Ap50, HeldOut.Ap75, HeldOut.ApSmall,
        ];
    }
}
