namespace Fovea;

/// <summary>Where <see cref="Kernels.LinearAttentionBackward"/> writes; null for gradients that nobody needs.</summary>
public readonly record struct LinearAttentionGradients
{
    /// <summary>[B][L][G][D].</summary>
    public DeviceTensor? Q { get; init; }

    /// <summary>[B][L][G][D].</summary>
    public DeviceTensor? K { get; init; }

    /// <summary>[B][L][H][P].</summary>
    public DeviceTensor? V { get; init; }

    /// <summary>[B][L][H], or [H], which sums over batch and positions: as log decays are given.</summary>
    public DeviceTensor? LogDecay { get; init; }

    /// <summary>[B][H][D][P].</summary>
    public DeviceTensor? InitialState { get; init; }
}
