using System.Globalization;
using System.Text;

namespace Fovea.Training.Planning;

/// <summary>A schedule of one training step over a chain of segments, with its predicted time and memory and the reason for
/// both: what a tape executes. Immutable.</summary>
public sealed class CheckpointPlan
{
    /// <summary>Simulates <paramref name="ops"/>.</summary>
    /// <param name="chain">Costs and sizes of the segments.</param>
    /// <param name="ops">A schedule of <paramref name="chain"/>, from any planner.</param>
    /// <param name="link">Speed of copies; may be null where the schedule has none.</param>
    /// <exception cref="InvalidScheduleException">The schedule is not valid.</exception>
    public CheckpointPlan(Chain chain, IReadOnlyList<ScheduleOp> ops, HostLink? link = null)
    {
        Chain = chain;
        Ops = ops;
        Simulation = ScheduleSimulator.Run(chain, ops, link);
        Tensors = [.. Describe(chain, ops, Simulation)];
    }

    /// <summary>The fastest plan that <see cref="BudgetPlanner"/> finds.</summary>
    /// <param name="chain">Costs and sizes of the segments.</param>
    /// <param name="budget">Bytes for the input, activations, gradients of activations and transients.</param>
    /// <param name="options">What the planner may do.</param>
    /// <exception cref="ArgumentException">No schedule fits.</exception>
    public static CheckpointPlan WithinBudget(Chain chain, long budget, PlannerOptions? options = null) =>
        new(chain, BudgetPlanner.Plan(chain, budget, options), options?.Link);

    /// <summary>The chain that was planned.</summary>
    public Chain Chain { get; }

    /// <summary>The ops, in order.</summary>
    public IReadOnlyList<ScheduleOp> Ops { get; }

    /// <summary>Time and memory of the plan, op by op.</summary>
    public Simulation Simulation { get; }

    /// <summary>Predicted peak of bytes on the device.</summary>
    public long PeakBytes => Simulation.PeakBytes;

    /// <summary>Predicted time of the step in milliseconds.</summary>
    public double Ms => Simulation.Ms;

    /// <summary>Forward runs beyond the first of each stage.</summary>
    public int RecomputedStages => Simulation.ForwardRuns.Sum() - Chain.Length;

    /// <summary>One entry per tensor that the plan decides on, in order of stages.</summary>
    public IReadOnlyList<PlannedTensor> Tensors { get; }

    /// <summary>A table: per tensor what happens to it, its bytes and what that costs; the totals below.</summary>
    public string Explain()
    {
        var text = new StringBuilder();
        int width = Math.Max(5, Tensors.Max(t => t.Name.Length));
        text.AppendLine(Format($"stage  {"name".PadRight(width)}  tensor  {"fate",-10}  {"MiB",10}  {"ms",9}"));
        foreach (var t in Tensors)
        {
            string what = t.Tensor.IsSaved ? t.IsNarrow ? "bf16" : "saved" : t.Tensor.Stage == 0 ? "input" : "output";
            string fate = t.Fate.ToString().ToLowerInvariant();
            text.AppendLine(Format($"{t.Tensor.Stage,5}  {t.Name.PadRight(width)}  {what,-6}  {fate,-10}  {MiB(t.Bytes),10:F2}  {t.Ms,9:F3}"));
        }
        text.AppendLine(Format($"peak {MiB(PeakBytes):F2} MiB on the device, {MiB(Simulation.HostPeakBytes):F2} MiB on the host"));
        double extra = Simulation.ComputeMs - Chain.PlainMs, waits = Ms - Simulation.ComputeMs;
        text.Append(Format($"time {Ms:F3} ms: {Chain.PlainMs:F3} plain, {extra:F3} for {RecomputedStages} recomputed stages and conversions, "));
        text.AppendLine(Format($"{waits:F3} waiting for copies"));
        return text.ToString();
    }

    private static IEnumerable<PlannedTensor> Describe(Chain chain, IReadOnlyList<ScheduleOp> ops, Simulation simulation)
    {
        var copyMs = new Dictionary<ScheduleTensor, double>();
        var narrow = new HashSet<int>();
        for (int i = 0; i < ops.Count; i++)
        {
            var (op, step) = (ops[i], simulation.Steps[i]);
            if (op.Kind is ScheduleOpKind.Offload or ScheduleOpKind.Prefetch)
                copyMs[op.Tensor] = copyMs.GetValueOrDefault(op.Tensor) + step.EndMs - step.StartMs;
            if (op.Kind == ScheduleOpKind.Backward && op.IsNarrow) narrow.Add(op.Stage);
        }
        PlannedTensor Row(ScheduleTensor x, long bytes, int repeats)
        {
            bool isCopied = copyMs.TryGetValue(x, out double ms);
            var fate = isCopied ? TensorFate.Offloaded : repeats > 0 ? TensorFate.Recomputed : TensorFate.Kept;
            var (name, forwardMs) = x.Stage == 0 ? ("", 0) : (chain[x.Stage].Name, chain[x.Stage].ForwardMs);
            return new PlannedTensor(x, name, fate, x.IsSaved && narrow.Contains(x.Stage), bytes, ms + repeats * forwardMs);
        }

        yield return Row(ScheduleTensor.Output(0), chain.InputBytes, 0);
        for (int l = 1; l <= chain.Length; l++)
        {
            // The last forward run saves for backward; if it is not the first, the saved tensors were recomputed. Runs between
            // the two made the output alone once more.
            int runs = simulation.ForwardRuns[l];
            yield return Row(ScheduleTensor.Output(l), chain.OutputBytes(l), Math.Max(runs - 2, 0));
            long saved = chain.Form(l, narrow.Contains(l)).InternalBytes;
            if (saved > 0 || runs > 1) yield return Row(ScheduleTensor.Saved(l), saved, Math.Min(runs - 1, 1));
        }
    }

    private static double MiB(long bytes) => bytes / (1024.0 * 1024.0);

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
