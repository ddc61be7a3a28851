namespace Fovea.Bench.Measure;

/// <summary>One timed call, or the mean of a few short ones.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="CountedSeconds">Wall time without the part that the contestant does not count.</param>
/// <param name="CpuShare">Processor time of the calling thread over wall time.</param>
/// <param name="Burst">The slower of the FMA bursts before and after, GFLOP/s.</param>
/// <param name="Pushed">Threads of this process that were pushed off a core meanwhile.</param>
/// <param name="AllocatedBytes">Managed bytes allocated by the calling thread.</param>
public readonly record struct Sample(double Seconds, double CountedSeconds, double CpuShare, double Burst, long Pushed, long AllocatedBytes)
{
    // The bounds of the protocol: what a burst and a thread lose to a neighbour shows well below them.
    private const double LeastBurst = 0.94, LeastCpuShare = 0.96;

    /// <summary>Whether the machine belonged to us: <paramref name="peak"/> is what an undisturbed burst reaches.</summary>
    public bool IsQuiet(double peak) => Burst >= LeastBurst * peak && CpuShare >= LeastCpuShare && Pushed == 0;
}
