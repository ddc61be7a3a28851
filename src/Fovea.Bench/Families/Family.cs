using Fovea.Bench.Workloads;

namespace Fovea.Bench.Families;

/// <summary>A named group of rows.</summary>
/// <param name="Name">What the command line takes.</param>
/// <param name="Description">For help.</param>
/// <param name="Rows">The workloads, smallest memory first; made lazily, so that only one holds its data at a time.</param>
public sealed record Family(string Name, string Description, Func<IEnumerable<Workload>> Rows)
{
    /// <summary>What surrounds the calls.</summary>
    public Setting Setting { get; init; } = Setting.Quiet;

    /// <summary>Whether the rows are points of curves whose steepest step is reported.</summary>
    public bool IsSweep { get; init; }
}
