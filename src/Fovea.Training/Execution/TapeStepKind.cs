namespace Fovea.Training;

/// <summary>What one step of a program does.</summary>
public enum TapeStepKind
{
    /// <summary>Runs an operation forward, for the first time or again.</summary>
    Forward,

    /// <summary>Runs an operation backward.</summary>
    Backward,

    /// <summary>Begins to copy a result to pinned host memory, beside the work that follows.</summary>
    Offload,

    /// <summary>The copy that <see cref="Offload"/> began must be done here: from now on the device memory may serve others.</summary>
    Release,

    /// <summary>Begins to copy a result back; whoever reads it waits.</summary>
    Prefetch,

    /// <summary>Keeps a result as bf16, rounded. Its f32 memory is free unless a later step reads it before
    /// <see cref="Widen"/>.</summary>
    Narrow,

    /// <summary>Makes f32 of it again.</summary>
    Widen,
}
