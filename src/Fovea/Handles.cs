using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

// Owners of native objects. A call in another thread holds a reference, so the object goes when the last call has left.

internal sealed unsafe class StreamHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() =>
        NativeMethods.fovea_stream_destroy((fovea_stream*)handle) == fovea_status.FOVEA_OK;
}

internal sealed unsafe class EventHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() =>
        NativeMethods.fovea_event_destroy((fovea_event*)handle) == fovea_status.FOVEA_OK;
}

internal sealed unsafe class GraphHandle() : SafeHandle(0, ownsHandle: true)
{
    /// <summary>Released after the native graph. Null on the finalizer's path, where memory is left to the leak
    /// report.</summary>
    public GraphMemory? Memory { get; set; }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        var released = NativeMethods.fovea_graph_destroy((fovea_graph*)handle) == fovea_status.FOVEA_OK;
        Memory?.Release();
        return released;
    }
}
