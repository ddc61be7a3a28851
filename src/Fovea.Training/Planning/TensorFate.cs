namespace Fovea.Training.Planning;

/// <summary>What a plan does with a tensor between the forward run that first makes it and its backward run.</summary>
public enum TensorFate
{
    /// <summary>It stays on the device.</summary>
    Kept,

    /// <summary>It is released, or not made at all, and made again for backward.</summary>
    Recomputed,

    /// <summary>It waits in pinned host memory.</summary>
    Offloaded,
}
