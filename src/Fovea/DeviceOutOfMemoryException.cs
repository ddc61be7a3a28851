namespace Fovea;

/// <summary>An allocation did not fit the pool's budget or the device. The message describes the pool.</summary>
public sealed class DeviceOutOfMemoryException : DeviceException
{
    /// <summary>Creates the exception.</summary>
    public DeviceOutOfMemoryException(string operation, string message, long requestedBytes, DeviceMemoryPoolStatistics statistics)
        : base(Status.OutOfMemory, operation, message)
    {
        RequestedBytes = requestedBytes;
        Statistics = statistics;
    }

    /// <summary>Bytes that were asked for.</summary>
    public long RequestedBytes { get; }

    /// <summary>The pool at the time of the failure.</summary>
    public DeviceMemoryPoolStatistics Statistics { get; }
}
