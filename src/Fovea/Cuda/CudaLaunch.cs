namespace Fovea;

/// <summary>Shape of a kernel launch.</summary>
/// <param name="Grid">Number of blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block, beyond what the kernel declares.</param>
public readonly record struct CudaLaunch(CudaDim Grid, CudaDim Block, int SharedBytes = 0)
{
    /// <summary>Blocks of a cluster (compute capability 9.0 or newer); the default launches without clusters.</summary>
    public CudaDim Cluster { get; init; }

    /// <summary>One thread for each of <paramref name="count"/> elements, and perhaps some more in the last block.</summary>
    public static CudaLaunch For(long count, int block = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(block);
        return new CudaLaunch(new CudaDim(checked((int)((count - 1) / block + 1))), new CudaDim(block));
    }

    /// <summary>Throws where no device could launch this; the rest is the driver's to say.</summary>
    internal void Check(string kernel, int maxThreads)
    {
        if (Grid.X < 1 || Grid.Y is < 1 or > 65535 || Grid.Z is < 1 or > 65535)
            throw Refused(kernel, $"the grid is {Grid}; allowed are 1 to 2147483647 blocks in x, 1 to 65535 in y and z");
        if (Block.X is < 1 or > 1024 || Block.Y is < 1 or > 1024 || Block.Z is < 1 or > 64)
            throw Refused(kernel, $"the block is {Block}; allowed are 1 to 1024 threads in x and y, 1 to 64 in z");
        if (Block.Count > maxThreads)
            throw Refused(kernel, $"the block {Block} has {Block.Count} threads, the kernel's registers and attributes allow {maxThreads}");
        if (SharedBytes < 0) throw Refused(kernel, $"{SharedBytes} bytes of shared memory");
        if (Cluster == default) return;
        if (Cluster.X < 1 || Cluster.Y < 1 || Cluster.Z < 1 || Grid.X % Cluster.X != 0 || Grid.Y % Cluster.Y != 0 || Grid.Z % Cluster.Z != 0)
            throw Refused(kernel, $"the cluster is {Cluster}, which does not divide the grid {Grid}");
    }

    private static ArgumentException Refused(string kernel, string reason) => new($"kernel {kernel}: {reason}");
}
