namespace Fovea.Training.Planning;

/// <summary>What <see cref="BudgetPlanner"/> may do to keep a budget.</summary>
public sealed record PlannerOptions
{
    /// <summary>Steps in which memory is counted; every size is rounded up to a whole number of them. More is tighter and
    /// slower.</summary>
    public int Slots { get; init; } = 500;

    /// <summary>Measured speed of copies to pinned host memory; null forbids offloading.</summary>
    public HostLink? Link { get; init; }

    /// <summary>Most bytes of pinned host memory that offloaded tensors may take at once.</summary>
    public long HostBytes { get; init; } = long.MaxValue;

    /// <summary>Allows saved tensors to be stored in bf16 where a stage has a <see cref="ChainStage.Narrow"/> form. Gradients
    /// are then no longer those of the plain step.</summary>
    public bool AllowNarrow { get; init; }
}
