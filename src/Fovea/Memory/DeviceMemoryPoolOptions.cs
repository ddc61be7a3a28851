namespace Fovea;

/// <summary>How to create a <see cref="DeviceMemoryPool"/>.</summary>
public sealed class DeviceMemoryPoolOptions
{
    /// <summary>Most bytes the pool may take from the system; 0 for no limit.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>Keep where each live tensor was allocated, for <see cref="DeviceMemoryPool.LeakReport"/>. Slow; for
    /// debugging.</summary>
    public bool CaptureStackTraces { get; init; }
}
