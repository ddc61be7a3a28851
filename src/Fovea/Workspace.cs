using Fovea.Interop;

namespace Fovea;

/// <summary>Scratch memory of one call, from the stream's pool or, while capturing, from the graph's arena.</summary>
internal readonly unsafe ref struct Workspace
{
    private readonly DeviceStream _stream;
    private readonly CaptureArena? _arena;
    private readonly long _granted;

    public readonly fovea_workspace Native;

    public Workspace(DeviceStream stream, long bytes)
    {
        _stream = stream;
        if (bytes <= 0) return;
        _arena = stream.Capture?.Memory.Arena;
        var data = _arena is not null ? _arena.Rent(bytes, out _granted) : stream.Pool.Rent(stream.Id, bytes, out _granted);
        Native = new fovea_workspace { data = (void*)data, bytes = bytes };
    }

    public void Dispose()
    {
        if (Native.data == null) return;
        if (_arena is not null)
            _arena.Return((nint)Native.data, _granted);
        else
            _stream.Pool.Return((nint)Native.data, _granted, _stream.Id);
    }
}
