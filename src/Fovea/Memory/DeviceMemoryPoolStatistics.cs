namespace Fovea;

/// <summary>A snapshot of a <see cref="DeviceMemoryPool"/>. Bytes count whole blocks, so they exceed what was asked
/// for.</summary>
public readonly record struct DeviceMemoryPoolStatistics
{
    /// <summary>Most bytes the pool may take from the system; 0 for no limit.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>Bytes taken from the system.</summary>
    public long ReservedBytes { get; init; }

    /// <summary>Bytes of blocks in use by tensors, workspaces and graphs.</summary>
    public long InUseBytes { get; init; }

    /// <summary>Largest <see cref="InUseBytes"/> so far.</summary>
    public long PeakInUseBytes { get; init; }

    /// <summary>Largest block that waits for reuse.</summary>
    public long LargestFreeBlockBytes { get; init; }

    /// <summary>Blocks taken from the system so far. It stands still in a steady state.</summary>
    public long AllocationCount { get; init; }

    /// <summary>Blocks handed out so far, new or reused.</summary>
    public long RentCount { get; init; }

    /// <summary>Tensors that hold a block now.</summary>
    public int LiveLeases { get; init; }

    /// <summary>Tensors that were garbage collected without being disposed. Their memory is lost until the pool is
    /// disposed.</summary>
    public int LeakedLeases { get; init; }
}
