namespace Fovea;

/// <summary>How to create a <see cref="DeviceStream"/>.</summary>
public sealed class DeviceStreamOptions
{
    /// <summary>CPU: most threads one call may use, the caller included. 0: as many as the process-wide pool has.</summary>
    public int MaxThreads { get; init; }

    /// <summary>How products of f32 matrices and convolutions are made. A captured graph keeps the way of the stream that recorded
    /// it, whichever stream replays it.</summary>
    public F32Products F32Products { get; init; }

    /// <summary>The pool that tensors and workspaces come from, which may serve several streams. Null: one of the stream's own,
    /// disposed with it.</summary>
    public DeviceMemoryPool? Pool { get; init; }
}
