using System.Runtime.InteropServices;

namespace Fovea;

/// <summary>Everything a recorded graph points at: its own arena, the leases of tensors made outside of it, events, and graphs
/// it was composed of. Counted, because a graph recorded from another keeps that one's memory too.</summary>
internal sealed class GraphMemory(DeviceStream stream)
{
    // A second thread on the stream is refused by the native side, but may still arrive here after its last good call.
    private readonly Lock _gate = new();
    private readonly HashSet<MemoryLease> _leases = [];
    private readonly HashSet<SafeHandle> _handles = [];
    private readonly HashSet<GraphMemory> _graphs = [];
    private int _references = 1;

    public CaptureArena Arena { get; } = new(stream.Pool, stream.Id);

    /// <summary>Keeps the lease of a tensor that a recorded call uses. The caller is inside the lease.</summary>
    public void Retain(MemoryLease lease)
    {
        if (lease.Arena == Arena) return;
        lock (_gate)
            if (_leases.Add(lease))
                lease.Hold();
    }

    public void Retain(SafeHandle handle)
    {
        lock (_gate)
        {
            if (!_handles.Add(handle)) return;
            var added = false;
            handle.DangerousAddRef(ref added);
        }
    }

    public void Retain(GraphMemory graph)
    {
        lock (_gate)
            if (_graphs.Add(graph))
                Interlocked.Increment(ref graph._references);
    }

    public void Seal() => Arena.Seal();

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        foreach (var lease in _leases) lease.Leave();
        foreach (var handle in _handles) handle.DangerousRelease();
        foreach (var graph in _graphs) graph.Release();
        Arena.Release();
    }
}
