using Fovea.Interop;

namespace Fovea;

/// <summary>A recording in progress, from <see cref="DeviceStream.BeginCapture"/>. Disposing without <see cref="End"/> abandons
/// it. A refused call leaves the recording open and unchanged.</summary>
public sealed unsafe class GraphCapture : IDisposable
{
    private bool _ended;

    internal GraphCapture(DeviceStream stream)
    {
        Stream = stream;
        var native = stream.Enter();
        try
        {
            Throw.IfFailed(NativeMethods.fovea_capture_begin(native), "capture_begin");
        }
        finally
        {
            stream.Leave();
        }
        Memory = new GraphMemory(stream);
        stream.Capture = this;
    }

    /// <summary>The stream that is recording.</summary>
    public DeviceStream Stream { get; }

    internal GraphMemory Memory { get; }

    /// <summary>Ends the recording and gives the graph. Tensors allocated during the capture and not yet disposed belong to the
    /// graph: they hold its results after a replay and become invalid when it is disposed.</summary>
    /// <exception cref="InvalidOperationException">The capture has ended already.</exception>
    public CapturedGraph End()
    {
        if (_ended) throw new InvalidOperationException("the capture has ended already");
        fovea_graph* graph;
        EndNative(&graph);
        return new CapturedGraph(Stream.Device, graph, Memory);
    }

    /// <summary>Abandons the recording unless it has ended; its memory goes back to the pool.</summary>
    public void Dispose()
    {
        if (_ended) return;
        EndNative(null);
        Memory.Release();
    }

    private void EndNative(fovea_graph** graph)
    {
        var native = Stream.Enter();
        try
        {
            Throw.IfFailed(NativeMethods.fovea_capture_end(native, graph), "capture_end");
        }
        finally
        {
            Stream.Leave();
        }
        _ended = true;
        Stream.Capture = null;
        Memory.Seal();
    }
}
