namespace Fovea.Training.Planning;

/// <summary>What one op of a <see cref="ScheduleOp"/> list does. l is the stage of the op.</summary>
public enum ScheduleOpKind
{
    /// <summary>Runs stage l forward and keeps its output and its saved tensors.</summary>
    ForwardSaveAll,

    /// <summary>Runs stage l forward, keeps its input (a checkpoint) and its output.</summary>
    ForwardCheckpoint,

    /// <summary>Runs stage l forward, keeps its output and releases its input.</summary>
    ForwardDiscard,

    /// <summary>Turns the output of the last stage into its gradient: what the caller does between forward and
    /// backward.</summary>
    Loss,

    /// <summary>Runs stage l backward; releases its output, its saved tensors and the gradient of its output.</summary>
    Backward,

    /// <summary>Releases a tensor on the device. If it is on its way to the host, compute waits for the copy first.</summary>
    Free,

    /// <summary>Starts to copy a tensor to pinned host memory. The tensor stays live on the device until
    /// <see cref="Free"/>.</summary>
    Offload,

    /// <summary>Allocates a tensor that is on the host and starts to copy it back; whoever reads it waits for the
    /// copy.</summary>
    Prefetch,
}
