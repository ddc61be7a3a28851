using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>Recorded calls and the memory between them. Replaying is one native call without managed garbage. The graph keeps
/// the memory of every tensor it touches, so tensors may be disposed before it. Not for two streams at once: the second gets an
/// <see cref="InvalidOperationException"/>.</summary>
public sealed unsafe class CapturedGraph : IDisposable
{
    private readonly GraphHandle _handle = new();
    private readonly GraphMemory _memory;
    private volatile bool _disposed; // the handle stays open while a replay is inside

    internal CapturedGraph(Device device, fovea_graph* graph, GraphMemory memory)
    {
        Marshal.InitHandle(_handle, (nint)graph);
        _memory = memory;
        Device = device;
        long count;
        Throw.IfFailed(NativeMethods.fovea_graph_node_count(graph, &count), "graph_node_count");
        NodeCount = count;
    }

    /// <summary>The device it was captured on.</summary>
    public Device Device { get; }

    /// <summary>Number of recorded calls.</summary>
    public long NodeCount { get; }

    /// <summary>Bytes of pool memory that the graph holds for tensors and workspaces made during the capture.</summary>
    public long ArenaBytes => _memory.Arena.ReservedBytes;

    /// <summary>Most bytes of the arena that were in use at once.</summary>
    public long ArenaPeakBytes => _memory.Arena.PeakBytes;

    /// <summary>Runs every recorded call in order. On a capturing stream the calls are recorded again, so graphs
    /// compose.</summary>
    public void Replay(DeviceStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var added = false;
        _handle.DangerousAddRef(ref added);
        try
        {
            var native = stream.Enter();
            try
            {
                Throw.IfFailed(NativeMethods.fovea_graph_replay((fovea_graph*)_handle.DangerousGetHandle(), native), "graph_replay");
                stream.Capture?.Memory.Retain(_memory);
            }
            finally
            {
                stream.Leave();
            }
        }
        finally
        {
            _handle.DangerousRelease();
        }
    }

    /// <summary>Destroys the graph when the last replay in progress has left. Its arena goes back to the pool, and tensors
    /// allocated during the capture become invalid.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _handle.Memory = _memory;
        _handle.Dispose();
    }
}
