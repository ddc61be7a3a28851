namespace Fovea.Benchmarks.Latency;

/// <summary>One timed call.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="CountedSeconds">Wall time without the part that the contestant does not count.</param>
/// <param name="CpuShare">Processor time of the calling thread over wall time.</param>
/// <param name="Burst">The slower of the FMA bursts before and after, GFLOP/s.</param>
/// <param name="Pushed">Threads of this process that were pushed off a core meanwhile.</param>
/// <param name="AllocatedBytes">Managed bytes allocated by the calling thread.</param>
internal readonly record struct Sample(double Seconds, double CountedSeconds, double CpuShare, double Burst, long Pushed, long AllocatedBytes);
