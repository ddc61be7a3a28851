using System.Collections.Concurrent;
using Fovea.Interop;

namespace Fovea;

/// <summary>Device memory in size classes with free lists. Freed blocks are kept for the stream that last used them: on that
/// stream they may be reused at once, because its work is ordered. Thread-safe; may serve several streams of one
/// device.</summary>
public sealed unsafe partial class DeviceMemoryPool : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SizeClass?[] _classes = new SizeClass?[SizeClasses.Count];
    private readonly ConcurrentQueue<(nint Data, long Bytes)> _leaks = new();
    private readonly bool _traces;
    private long _reserved, _inUse, _peak, _allocations, _rents;
    private int _live, _leaked;
    private bool _disposed;

    /// <summary>Creates an empty pool.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The budget is negative.</exception>
    public DeviceMemoryPool(Device device, DeviceMemoryPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        options ??= new DeviceMemoryPoolOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.BudgetBytes, nameof(options));
        Device = device;
        BudgetBytes = options.BudgetBytes;
        _traces = options.CaptureStackTraces;
    }

    /// <summary>Where the memory is.</summary>
    public Device Device { get; }

    /// <summary>Most bytes the pool may take from the system; 0 for no limit.</summary>
    public long BudgetBytes { get; }

    /// <summary>Numbers of this moment.</summary>
    public DeviceMemoryPoolStatistics Statistics
    {
        get
        {
            lock (_gate) return StatisticsLocked();
        }
    }

    /// <summary>Gives all free blocks back to the system.</summary>
    /// <returns>Bytes given back.</returns>
    public long Trim()
    {
        lock (_gate) return TrimLocked(long.MaxValue);
    }

    /// <summary>Lets <see cref="DeviceMemoryPoolStatistics.PeakInUseBytes"/> start again from what is in use now.</summary>
    public void ResetPeak()
    {
        lock (_gate) _peak = _inUse;
    }

    /// <summary>Size of the block that a tensor of <paramref name="bytes"/> bytes gets; 0 for an empty one.</summary>
    public static long BlockBytes(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return bytes == 0 ? 0 : SizeClasses.Round(bytes);
    }

    /// <summary>Gives the free blocks back. Blocks of live tensors follow when the tensors are disposed.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            TrimLocked(long.MaxValue);
            while (_leaks.TryDequeue(out var leak)) Release(leak.Data, leak.Bytes);
        }
    }

    internal MemoryLease Lease(DeviceStream stream, long bytes)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (stream.Capture is { } capture) return capture.Memory.Arena.Lease(bytes);
        long granted = 0;
        var data = bytes == 0 ? 0 : Rent(stream.Id, bytes, out granted);
        var lease = new MemoryLease(this, null, data, granted, stream.Id);
        if (data == 0) return lease;
        lock (_gate)
        {
            _live++;
            if (_traces) AddTrace(lease);
        }
        return lease;
    }

    /// <summary>A bare block, for workspaces and arenas.</summary>
    internal nint Rent(int stream, long bytes, out long granted)
    {
        if (bytes > SizeClasses.Largest)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "no device has this much memory");
        granted = SizeClasses.Round(bytes);
        lock (_gate)
        {
            var sizeClass = _classes[SizeClasses.Index(granted)] ??= new SizeClass(granted);
            var data = sizeClass.Take(stream, Device.IsInline);
            if (data == 0) data = Grow(granted, bytes);
            sizeClass.Rented++;
            _rents++;
            _inUse += granted;
            _peak = Math.Max(_peak, _inUse);
            return data;
        }
    }

    internal void Return(nint data, long granted, int stream)
    {
        lock (_gate) ReturnLocked(data, granted, stream);
    }

    internal void Return(MemoryLease lease)
    {
        if (lease.Data == 0) return;
        lock (_gate)
        {
            _live--;
            if (lease.Record != 0) _records?.Remove(lease.Record);
            ReturnLocked(lease.Data, lease.Bytes, lease.LastStream);
        }
    }

    /// <summary>Called by a finalizer: counts, and remembers the block for <see cref="Dispose"/>.</summary>
    internal void Leaked(MemoryLease lease)
    {
        Interlocked.Increment(ref _leaked);
        _leaks.Enqueue((lease.Data, lease.Bytes));
    }

    /// <summary>The stream has finished all work, so its freed blocks may go to any stream.</summary>
    internal void StreamIsIdle(int stream)
    {
        lock (_gate)
            foreach (var sizeClass in _classes)
                sizeClass?.MakeShared(stream);
    }

    private void ReturnLocked(nint data, long granted, int stream)
    {
        var sizeClass = _classes[SizeClasses.Index(granted)]!;
        sizeClass.Rented--;
        _inUse -= granted;
        if (_disposed)
            Release(data, granted);
        else
            sizeClass.Put(data, stream);
    }

    private nint Grow(long size, long requested)
    {
        if (BudgetBytes > 0 && _reserved + size > BudgetBytes) TrimLocked(_reserved + size - BudgetBytes);
        if (BudgetBytes > 0 && _reserved + size > BudgetBytes) throw OutOfMemory(requested, size, "its budget is spent");
        void* data;
        var status = NativeMethods.fovea_memory_alloc(Device.Handle, (int)fovea_memory_kind.FOVEA_MEMORY_DEVICE, size, &data);
        if (status == fovea_status.FOVEA_OUT_OF_MEMORY && TrimLocked(long.MaxValue) > 0)
            status = NativeMethods.fovea_memory_alloc(Device.Handle, (int)fovea_memory_kind.FOVEA_MEMORY_DEVICE, size, &data);
        if (status == fovea_status.FOVEA_OUT_OF_MEMORY) throw OutOfMemory(requested, size, Throw.LastError());
        Throw.IfFailed(status, "memory_alloc");
        _reserved += size;
        _allocations++;
        return (nint)data;
    }

    /// <summary>Frees unused blocks, the largest first, until <paramref name="wanted"/> bytes are back.</summary>
    private long TrimLocked(long wanted)
    {
        long freed = 0;
        for (var i = _classes.Length - 1; i >= 0 && freed < wanted; i--)
        {
            while (freed < wanted && _classes[i] is { Free: > 0 } sizeClass)
            {
                Release(sizeClass.TakeAny(), sizeClass.Size);
                freed += sizeClass.Size;
            }
        }
        return freed;
    }

    private void Release(nint data, long size)
    {
        _reserved -= size;
        // A refusal leaves nothing to do: the block is unreachable either way.
        _ = NativeMethods.fovea_memory_free(Device.Handle, (int)fovea_memory_kind.FOVEA_MEMORY_DEVICE, (void*)data, size);
    }
}
