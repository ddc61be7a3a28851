namespace Fovea.Bench.Measure;

/// <summary>What the machine could do at most, measured in this run: the roofline that rows are compared with.</summary>
/// <param name="threads">Threads that rows may use.</param>
public sealed class MachineLimits(int threads)
{
    private readonly MemoryRate _memory = new(threads);

    public int Threads => threads;

    /// <summary>f32 multiply-adds of one thread, GFLOP/s.</summary>
    public double PeakOfOneThread { get; } = FmaBurst.Peak();

    /// <summary>f32 multiply-adds of all threads, GFLOP/s: as many full cores are assumed.</summary>
    public double Peak => PeakOfOneThread * threads;

    /// <summary>GB/s for this mix of traffic: streams that are mostly read are compared with a read, others with a memcpy.</summary>
    public double Rate(double bytesRead, double bytesWritten)
    {
        long bytes = (long)(bytesRead + bytesWritten);
        return bytesRead > 4 * bytesWritten ? _memory.Read(bytes) : _memory.Copy(bytes);
    }

    /// <summary>The least seconds that the direct computation can take: arithmetic or memory, whichever is slower.</summary>
    public double LeastSeconds(double flops, double bytesRead, double bytesWritten)
    {
        double bytes = bytesRead + bytesWritten;
        return Math.Max(flops / (Peak * 1e9), bytes == 0 ? 0 : bytes / (Rate(bytesRead, bytesWritten) * 1e9));
    }
}
