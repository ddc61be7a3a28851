using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>A point in a stream's order, for timing and for waits between streams. Thread-safe.</summary>
public sealed unsafe class DeviceEvent : IDisposable
{
    // A SafeHandle stays open while somebody holds it, so being disposed is remembered here.
    private volatile bool _disposed;

    /// <summary>Creates an event that has not been recorded.</summary>
    public DeviceEvent(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Device = device;
        fovea_event* native;
        Throw.IfFailed(NativeMethods.fovea_event_create(device.Handle, &native), "event_create");
        Marshal.InitHandle(Handle, (nint)native);
    }

    /// <summary>The device of the streams it may be recorded on.</summary>
    public Device Device { get; }

    internal EventHandle Handle { get; } = new();

    /// <summary>Device time between two recorded events.</summary>
    /// <exception cref="InvalidOperationException">An event was never recorded.</exception>
    public static TimeSpan Elapsed(DeviceEvent start, DeviceEvent end)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(end);
        var first = start.Enter();
        try
        {
            var second = end.Enter();
            try
            {
                double milliseconds;
                Throw.IfFailed(NativeMethods.fovea_event_elapsed(first, second, &milliseconds), "event_elapsed");
                return TimeSpan.FromMilliseconds(milliseconds);
            }
            finally
            {
                end.Leave();
            }
        }
        finally
        {
            start.Leave();
        }
    }

    /// <summary>Waits on the calling thread until the recorded point has passed.</summary>
    public void Synchronize()
    {
        var native = Enter();
        try
        {
            Throw.IfFailed(NativeMethods.fovea_event_synchronize(native), "event_synchronize");
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Destroys the event; a graph that records it keeps it until the graph is disposed.</summary>
    public void Dispose()
    {
        _disposed = true;
        Handle.Dispose();
    }

    internal fovea_event* Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var added = false;
        Handle.DangerousAddRef(ref added);
        return (fovea_event*)Handle.DangerousGetHandle();
    }

    internal void Leave() => Handle.DangerousRelease();
}
