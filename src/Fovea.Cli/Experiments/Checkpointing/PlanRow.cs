namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>One plan, predicted and measured. Bytes are those of results, their gradients and workspaces: what is in use before a step
/// does not count.</summary>
/// <param name="Planner">Which planner made it.</param>
/// <param name="Percent">Budget in percent of the plain peak, or null where none was given.</param>
/// <param name="BudgetBytes">The same in bytes.</param>
/// <param name="PeakBytes">Measured by the pool.</param>
/// <param name="PredictedPeakBytes">Of the forecast.</param>
/// <param name="RecomputedOps">Operations that run again.</param>
/// <param name="OffloadedTensors">Results that wait in pinned host memory.</param>
/// <param name="Ms">Median of a step.</param>
/// <param name="PredictedMs">Time of the plain step, measured in between, times predicted over predicted plain time.</param>
/// <param name="IsEqual">Whether all gradients have the bits of the plain step.</param>
internal sealed record PlanRow(
    string Planner, int? Percent, long? BudgetBytes, long PeakBytes, long PredictedPeakBytes, int RecomputedOps, int OffloadedTensors,
    double Ms, double PredictedMs, bool IsEqual)
{
    internal static readonly string[] Columns =
    [
        "planner", "budget_percent", "budget_bytes", "peak_bytes", "predicted_peak_bytes", "recomputed_ops", "offloaded_tensors",
        "ms", "predicted_ms", "bitwise_equal",
    ];

    internal bool FitsBudget => BudgetBytes is null || PeakBytes <= BudgetBytes;

    /// <summary>Part of the measured peak by which the prediction is off.</summary>
    internal double PeakError => Math.Abs((double)PredictedPeakBytes / PeakBytes - 1);

    /// <summary>Part of the predicted time by which the step is slower.</summary>
    internal double TimeError => Ms / PredictedMs - 1;

    internal IReadOnlyList<object?> Cells =>
        [Planner, Percent, BudgetBytes, PeakBytes, PredictedPeakBytes, RecomputedOps, OffloadedTensors, Ms, PredictedMs, IsEqual];
}
