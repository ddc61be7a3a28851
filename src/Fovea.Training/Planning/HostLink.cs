namespace Fovea.Training.Planning;

/// <summary>Measured speed of copies between the device and pinned host memory. One copy runs at a time.</summary>
/// <param name="ToHostBytesPerMs">Bytes per millisecond from the device to the host.</param>
/// <param name="ToDeviceBytesPerMs">Bytes per millisecond from the host to the device.</param>
/// <param name="LatencyMs">Milliseconds that every copy takes besides.</param>
public readonly record struct HostLink(double ToHostBytesPerMs, double ToDeviceBytesPerMs, double LatencyMs = 0)
{
    /// <summary>Milliseconds of one copy to the host.</summary>
    public double ToHostMs(long bytes) => LatencyMs + bytes / ToHostBytesPerMs;

    /// <summary>Milliseconds of one copy to the device.</summary>
    public double ToDeviceMs(long bytes) => LatencyMs + bytes / ToDeviceBytesPerMs;
}
