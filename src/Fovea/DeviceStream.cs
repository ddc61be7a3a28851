using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>An order of work on a device. Calls enqueue; nothing waits except <see cref="Synchronize"/> and host copies. On the
/// CPU a call runs on the calling thread and has finished when it returns. One thread at a time: a second one gets an
/// <see cref="InvalidOperationException"/>.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "Not a System.IO.Stream; the field calls it a stream.")]
public sealed unsafe class DeviceStream : IDisposable
{
    private static int _lastId;

    private readonly StreamHandle _handle = new();
    private readonly bool _ownsPool;
    private volatile bool _disposed; // the handle stays open while a call is inside

    internal DeviceStream(Device device, DeviceStreamOptions options, nint? foreign = null)
    {
        if (options.Pool is { } given && given.Device != device)
            throw new ArgumentException($"the pool is on {given.Device}, the stream on {device}", nameof(options));
        if (foreign is not null && options.F32Products != F32Products.Exact)
            throw new ArgumentException($"products of a wrapped stream are exact, not {options.F32Products}", nameof(options));
        Device = device;
        Id = Interlocked.Increment(ref _lastId);
        var native = new fovea_stream_options { max_threads = options.MaxThreads, f32_products = (int)options.F32Products };
        fovea_stream* stream;
        if (foreign is { } handle)
            Throw.IfFailed(NativeMethods.fovea_stream_from_native(device.Handle, (void*)handle, &stream), "stream_from_native");
        else
            Throw.IfFailed(NativeMethods.fovea_stream_create(device.Handle, &native, &stream), "stream_create");
        Marshal.InitHandle(_handle, (nint)stream);
        _ownsPool = options.Pool is null;
        Pool = options.Pool ?? new DeviceMemoryPool(device);
    }

    /// <summary>The device the work runs on.</summary>
    public Device Device { get; }

    /// <summary>Where tensors and workspaces come from.</summary>
    public DeviceMemoryPool Pool { get; }

    /// <summary>Whether calls are being recorded instead of run.</summary>
    public bool IsCapturing => Capture is not null;

    /// <summary>The cudaStream_t (CUstream) behind this stream, for other libraries. Valid while the stream is not disposed.</summary>
    /// <exception cref="DeviceException">The device is the CPU, whose streams have nothing behind them.</exception>
    public nint NativeHandle
    {
        get
        {
            void* native;
            var stream = Enter();
            try
            {
                Throw.IfFailed(NativeMethods.fovea_stream_native(stream, &native), "stream_native");
            }
            finally
            {
                Leave();
            }
            return (nint)native;
        }
    }

    /// <summary>Names this stream in the pool's free lists; never 0.</summary>
    internal int Id { get; }

    internal GraphCapture? Capture { get; set; }

    /// <summary>Waits until all enqueued work has finished.</summary>
    public void Synchronize()
    {
        var stream = Enter();
        try
        {
            Throw.IfFailed(NativeMethods.fovea_stream_synchronize(stream), "stream_synchronize");
        }
        finally
        {
            Leave();
        }
        if (!Device.IsInline) Pool.StreamIsIdle(Id);
    }

    /// <summary>Marks this point of the stream's order in <paramref name="deviceEvent"/>.</summary>
    public void Record(DeviceEvent deviceEvent)
    {
        ArgumentNullException.ThrowIfNull(deviceEvent);
        using var call = new KernelCall(this, "event_record");
        var native = deviceEvent.Enter();
        try
        {
            call.Check(NativeMethods.fovea_event_record(native, call.Stream));
            Capture?.Memory.Retain(deviceEvent.Handle);
        }
        finally
        {
            deviceEvent.Leave();
        }
    }

    /// <summary>Later work of this stream waits for the point marked in <paramref name="deviceEvent"/>.</summary>
    public void Wait(DeviceEvent deviceEvent)
    {
        ArgumentNullException.ThrowIfNull(deviceEvent);
        using var call = new KernelCall(this, "stream_wait");
        var native = deviceEvent.Enter();
        try
        {
            call.Check(NativeMethods.fovea_stream_wait(call.Stream, native));
            Capture?.Memory.Retain(deviceEvent.Handle);
        }
        finally
        {
            deviceEvent.Leave();
        }
    }

    /// <summary>Starts recording: until the capture ends, calls on this stream are validated and recorded but not run, and
    /// tensors allocated on it come from the graph's own arena, where disposed tensors make room for later ones.</summary>
    /// <exception cref="InvalidOperationException">The stream is capturing already.</exception>
    public GraphCapture BeginCapture() => new(this);

    /// <summary>Destroys the stream, and its pool unless that was given. Tensors stay valid until they are disposed.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        Capture?.Dispose();
        _disposed = true;
        _handle.Dispose();
        if (_ownsPool) Pool.Dispose();
    }

    /// <summary>The native stream, kept alive until <see cref="Leave"/>.</summary>
    internal fovea_stream* Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var added = false;
        _handle.DangerousAddRef(ref added);
        return (fovea_stream*)_handle.DangerousGetHandle();
    }

    internal void Leave() => _handle.DangerousRelease();
}
