using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Fovea;

/// <summary>A block of pool, arena or foreign memory held by a tensor. Calls in flight are counted, so that disposing from another
/// thread only marks it and the block goes back when the last call has left.</summary>
internal sealed class MemoryLease
{
    // The sign bit: no new call may enter. The other bits: calls in flight and graphs that keep the block.
    private const int Closed = int.MinValue;

    private readonly DeviceMemoryPool? _pool; // null for foreign memory
    private readonly nint _managed;
    private readonly bool _isVersioned;
    private int _state;

    public MemoryLease(DeviceMemoryPool pool, CaptureArena? arena, nint data, long bytes, int stream)
    {
        _pool = pool;
        Arena = arena;
        Data = data;
        Bytes = bytes;
        LastStream = stream;
        // A graph's tensors go with the graph, and an empty tensor has nothing to leak.
        if (arena is not null || data == 0) GC.SuppressFinalize(this);
    }

    /// <summary>Memory of another library: a managed tensor of DLPack, whose deleter is called at the end, or 0.</summary>
    public MemoryLease(nint data, nint managed, bool isVersioned)
    {
        Data = data;
        _managed = managed;
        _isVersioned = isVersioned;
        GC.SuppressFinalize(this); // no pool whose loss could be counted, and foreign code is not for the finalizer's thread
    }

    /// <summary>Leak detector only: memory may still be referred to by spans or by the device, so nothing is freed
    /// here.</summary>
    ~MemoryLease()
    {
        if (_state >= 0) _pool?.Leaked(this);
    }

    public CaptureArena? Arena { get; }

    public nint Data { get; }

    /// <summary>Granted bytes: the size class, not what was asked for.</summary>
    public long Bytes { get; }

    /// <summary>Id of the stream that used the block last; the pool keeps the freed block for that stream.</summary>
    public int LastStream { get; set; }

    /// <summary>Key of the pool's stack-trace record; 0 for none.</summary>
    public long Record { get; set; }

    public bool IsClosed => Volatile.Read(ref _state) < 0;

    /// <summary>Begins a call. Balanced by <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">The lease was closed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter(int stream)
    {
        var state = _state;
        while (true)
        {
            if (state < 0) Throw.TensorDisposed();
            var seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state) break;
            state = seen;
        }
        LastStream = stream;
    }

    /// <summary>One more reference for somebody who is inside already; closing meanwhile does no harm.</summary>
    public void Hold() => Interlocked.Increment(ref _state);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave()
    {
        if (Interlocked.Decrement(ref _state) == Closed) Free();
    }

    /// <summary>Ends the lease; later calls fail. Idempotent.</summary>
    public void Close()
    {
        if (Interlocked.Or(ref _state, Closed) == 0) Free();
    }

    [SuppressMessage("Usage", "CA1816", Justification = "The lease is over: there is nothing left to detect.")]
    private void Free()
    {
        GC.SuppressFinalize(this);
        if (Arena is not null)
            Arena.Return(this);
        else if (_pool is not null)
            _pool.Return(this);
        else if (_managed != 0)
            DLPackHandle.Delete(_managed, _isVersioned);
    }
}
