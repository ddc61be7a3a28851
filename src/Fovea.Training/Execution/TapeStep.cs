namespace Fovea.Training;

/// <summary>What one step of a program does.</summary>
public enum TapeStepKind
{
    /// <summary>Runs an operation forward, for the first time or again.</summary>
    Forward,

    /// <summary>Runs an operation backward.</summary>
    Backward,

    /// <summary>Copies a result to pinned host memory; its device memory is free when no later step reads it before the
    /// <see cref="Prefetch"/>.</summary>
    Offload,

    /// <summary>Copies it back.</summary>
    Prefetch,
}

/// <summary>One step of a program.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Index">Index of the operation on the tape; of the operation whose results are moved, for
/// <see cref="TapeStepKind.Offload"/> and <see cref="TapeStepKind.Prefetch"/>.</param>
public readonly record struct TapeStep(TapeStepKind Kind, int Index)
{
    /// <summary>Runs operation <paramref name="op"/> forward.</summary>
    public static TapeStep Forward(int op) => new(TapeStepKind.Forward, op);

    /// <summary>Runs operation <paramref name="op"/> backward.</summary>
    public static TapeStep Backward(int op) => new(TapeStepKind.Backward, op);
}
