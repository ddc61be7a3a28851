namespace Fovea.Training.Planning;

/// <summary>What <see cref="ScheduleSimulator"/> found out about a schedule.</summary>
/// <param name="PeakBytes">Most bytes live on the device at once, the input of the chain included.</param>
/// <param name="HostPeakBytes">Most bytes held in pinned host memory at once.</param>
/// <param name="Ms">Time from the first op to the end of the last one.</param>
/// <param name="ComputeMs">The part of <paramref name="Ms"/> in which a stage runs; the rest waits for copies.</param>
/// <param name="CopyMs">Time in which the copy engine is busy.</param>
/// <param name="ForwardRuns">Forward runs of each stage; index 0 is unused.</param>
/// <param name="Steps">One entry per op.</param>
public sealed record Simulation(
    long PeakBytes,
    long HostPeakBytes,
    double Ms,
    double ComputeMs,
    double CopyMs,
    IReadOnlyList<int> ForwardRuns,
    IReadOnlyList<SimulatedStep> Steps);
