using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>A step of a 48-layer network under every planner and many budgets, against the plain step.</summary>
internal sealed class CheckpointingExperiment : IExperiment
{
    private const int Layers = 48;
    private const double MostPeakError = 0.02, MostTimeError = 0.10, SteadyAt = 0.05;

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    public string Name => "checkpointing";

    public string Description =>
        "a training step of 48 layers in 10 to 100 % of its memory: measured peak, time and gradients against the plan";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        using var stream = Device.Cpu.CreateStream();
        var (height, width) = quick ? (128, 32) : (512, 96);
        using var network = new BlockNetwork(stream, Layers, height, width);
        progress("profile of the plain step");
        using var measurement = new PlanMeasurement(stream, network.Tape, network.Loss, network.Parameters, repeats: quick ? 3 : 7);
        var rows = new List<PlanRow>();
        var refused = new List<string>();
        foreach (var (planner, order) in Unbudgeted(measurement.Chain))
        {
            progress(planner);
            rows.Add(measurement.Measure(planner, null, order));
        }
        var link = measurement.MeasureLink();
        int[] budgets = quick ? [10, 25, 50, 75, 100] : [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
        foreach (int percent in budgets)
        {
            long bytes = percent * measurement.PlainPeakBytes / 100;
            foreach (var (planner, plan) in Budgeted(measurement, link, bytes))
            {
                progress($"{planner}, {percent} %");
                try
                {
                    var (order, copyMs) = plan();
                    rows.Add(measurement.Measure(planner, percent, order, copyMs));
                }
                catch (ArgumentException) // nothing fits
                {
                    refused.Add($"{planner} {percent} %");
                }
            }
        }
        progress($"{EqualLayers.Count} equal layers");
        var simulated = EqualLayers.Simulate();
        EqualLayers.Outcome? real = quick ? null : EqualLayers.Run(stream);
        return Judge(rows, refused, measurement.Unsteadiness, quick, simulated, real) with { Plot = Plot(rows) };
    }

    private static IEnumerable<(string Planner, IReadOnlyList<TapeStep> Order)> Unbudgeted(TapeChain chain)
    {
        yield return ("plain", chain.Order(SegmentPlanner.KeepAll(chain.Chain)));
        yield return ("uniform sqrt(n)", chain.Order(SegmentPlanner.Uniform(chain.Chain)));
        yield return ("recursive", chain.Order(RecursivePlanner.Plan(chain.Chain)));
        foreach (int slots in (int[])[4, 8])
            yield return ($"binomial, {slots} slots", chain.Order(BinomialPlanner.Plan(chain.Chain, slots)));
    }

    private static IEnumerable<(string Planner, Func<(IReadOnlyList<TapeStep> Order, double CopyMs)> Plan)> Budgeted(
        PlanMeasurement measurement, HostLink link, long bytes)
    {
        yield return ("optimal", () => Optimal(new PlannerOptions()));
        yield return ("optimal, offload", () => Optimal(new PlannerOptions { Link = link }));
        yield return ("eviction", () => (Eviction(null), 0));
        yield return ("eviction, online", () => (Eviction(EvictionScore.Neighbourhood), 0));

        IReadOnlyList<TapeStep> Eviction(EvictionScore? score) =>
            TapeOrder.Eviction(measurement.Plain, measurement.Profile, bytes, score);

        (IReadOnlyList<TapeStep> Order, double CopyMs) Optimal(PlannerOptions options)
        {
            var plan = StepPlan.WithinBudget(
                measurement.Plain, measurement.Chain, measurement.Profile, measurement.InUseBytes + bytes, options);
            return (plan.Order, plan.Plan.Simulation.CopyMs); // streams of the CPU run inline: nothing hides a copy
        }
    }

    private static ExperimentResult Judge(
        List<PlanRow> rows, List<string> refused, double unsteadiness, bool quick,
        EqualLayers.Outcome simulated, EqualLayers.Outcome? real)
    {
        int above = rows.Count(r => !r.FitsBudget), unequal = rows.Count(r => !r.IsEqual);
        double peakError = rows.Max(r => r.PeakError), timeError = rows.Max(r => r.TimeError);
        bool judgesTime = !quick && unsteadiness <= SteadyAt;
        bool optimalFits = !refused.Exists(r => r.StartsWith("optimal", StringComparison.Ordinal));
        bool pass = above == 0 && unequal == 0 && optimalFits && peakError <= MostPeakError
            && (!judgesTime || timeError <= MostTimeError) && simulated.Holds && real is null or { Holds: true };
        string condition = string.Create(Invariant,
            $"every optimal plan exists and no peak is above its budget; predicted peaks within {MostPeakError:P0}; gradients bitwise equal; " +
            $"{EqualLayers.Count} equal layers in {EqualLayers.MostOutputs} outputs for one extra forward; " +
            $"no step more than {MostTimeError:P0} slower than its plan, which is judged in full runs while the plain step varies " +
            $"by less than {SteadyAt:P0}");
        string measured = string.Create(Invariant,
            $"{above} of {rows.Count} peaks above the budget; predictions off by at most {peakError:P2}; {unequal} unequal gradients; " +
            $"{EqualLayers.Count} layers: {simulated.PeakOutputs:F0} outputs, {simulated.ExtraForwards} extra forwards simulated" +
            $"{(real is { } run ? string.Create(Invariant, $", {run.PeakOutputs:F1} and {run.ExtraForwards} run") : "")}; " +
            $"slowest step {timeError:P1} over its plan, {(judgesTime ? "judged" : "not judged")}: the plain step varies by {unsteadiness:P1}" +
            $"{(refused.Count > 0 ? $"; nothing fits: {string.Join(", ", refused)}" : "")}");
        return new ExperimentResult(pass, condition, measured, PlanRow.Columns, [.. rows.Select(r => r.Cells)]);
    }

    private static LinePlot Plot(List<PlanRow> rows)
    {
        const double mebi = 1 << 20;
        var plot = new LinePlot("one training step of 48 layers: memory against time", "measured peak in MiB", "ms per step, median")
        {
            IsFromZero = true,
        };
        foreach (var planner in rows.GroupBy(r => r.Planner))
            plot.Add(planner.Key, planner.OrderBy(r => r.PeakBytes).Select(r => (r.PeakBytes / mebi, r.Ms)));
        return plot;
    }
}
