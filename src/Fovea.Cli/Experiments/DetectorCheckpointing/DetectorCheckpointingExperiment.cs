using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Cli.Experiments.Checkpointing;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Cli.Experiments.DetectorCheckpointing;

/// <summary>A training step of a detector under many budgets: a pyramid and its heads are no chain, so plans over stages and eviction of single
/// results are tried side by side. Assignment of labels is part of the step and is computed again like anything else.</summary>
internal sealed class DetectorCheckpointingExperiment : IExperiment
{
    private const string System = "fcos";
    private const int SureBudget = 60; // percent for which there must be an order
    private const double MostPeakError = 0.02;

    public string Name => "detector-checkpointing";

    public string Description => "a training step of a detector in less memory: measured peak, time and gradients against the plan";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var (images, size) = quick ? (4, 96) : (8, 160);
        using var stream = Device.Cpu.CreateStream();
        var scenes = new SceneGenerator(new SceneOptions { Width = size, Height = size }, seed: 1, images);
        using var system = DetectionSystems.Create(System, new Initializer(stream, 1), size, scenes.ClassNames.Count);
        using var batch = new DetectionBatch(stream, images, size, places: 16, system.UsesMasks);
        batch.Fill([.. Enumerable.Range(0, images).Select(i => scenes.Load(i))]);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape)).Total;

        progress("profile of the plain step");
        using var measurement = new PlanMeasurement(stream, tape, loss, [.. system.Parameters], repeats: quick ? 3 : 7);
        var rows = new List<PlanRow> { measurement.Measure("plain", null, TapeOrder.KeepAll(tape)) };
        var refused = new List<string>();
        foreach (var percent in (int[])[90, 80, 70, 60, 50, 40, 30])
        {
            var bytes = percent * measurement.PlainPeakBytes / 100;
            Try("stages", () => StepPlan.WithinBudget(measurement.Plain, measurement.Chain, measurement.Profile, measurement.InUseBytes + bytes).Order);
            Try("eviction", () => TapeOrder.Eviction(measurement.Plain, measurement.Profile, bytes));

            void Try(string planner, Func<IReadOnlyList<TapeStep>> plan)
            {
                progress($"{planner}, {percent} %");
                try
                {
                    rows.Add(measurement.Measure(planner, percent, plan()));
                }
                catch (ArgumentException) // nothing fits
                {
                    refused.Add($"{planner} {percent} %");
                }
            }
        }
        return Judge(rows, refused);
    }

    private static ExperimentResult Judge(List<PlanRow> rows, List<string> refused)
    {
        int above = rows.Count(r => !r.FitsBudget), unequal = rows.Count(r => !r.IsEqual);
        var peakError = rows.Max(r => r.PeakError);
        var isThere = rows.Exists(r => r.Percent == SureBudget && r.RecomputedOps > 0);
        var smallest = rows.MinBy(r => r.PeakBytes)!;
        var plot = new LinePlot($"one training step of {System}: memory against time", "measured peak in MiB", "ms per step, median") { IsFromZero = true };
        foreach (var planner in rows.GroupBy(r => r.Planner))
            plot.Add(planner.Key, planner.OrderBy(r => r.PeakBytes).Select(r => (r.PeakBytes / 1048576.0, r.Ms)));
        return new ExperimentResult(
            above == 0 && unequal == 0 && peakError <= MostPeakError && isThere,
            string.Create(CultureInfo.InvariantCulture,
                $"an order exists for {SureBudget} % of the plain step's memory; no peak above its budget; predicted peaks within {MostPeakError:P0}; gradients bitwise equal"),
            string.Create(CultureInfo.InvariantCulture,
                $"least peak {(double)smallest.PeakBytes / rows[0].PeakBytes:P0} with {smallest.RecomputedOps} operations run again; {above} of {rows.Count} peaks above the " +
                $"budget; predictions off by at most {peakError:P2}; {unequal} unequal gradients{(refused.Count > 0 ? $"; nothing fits: {string.Join(", ", refused)}" : "")}"),
            PlanRow.Columns, [.. rows.Select(r => r.Cells)])
        { Plot = plot };
    }
}
