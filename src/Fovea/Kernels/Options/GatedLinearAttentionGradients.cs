namespace Fovea;

/// <summary>Where <see cref="Kernels.GatedLinearAttentionBackward"/> writes; null for gradients that nobody needs, and for absent
/// inputs.</summary>
public readonly record struct GatedLinearAttentionGradients
{
    /// <summary>[B][L][H][D].</summary>
    public DeviceTensor? Q { get; init; }

    /// <summary>[B][L][H][D].</summary>
    public DeviceTensor? K { get; init; }

    /// <summary>[B][L][H][P].</summary>
    public DeviceTensor? V { get; init; }

    /// <summary>[B][L][H][D], or [H][D], which sums over batch and positions: as log decays are given.</summary>
    public DeviceTensor? LogDecay { get; init; }

    /// <summary>[H][D].</summary>
    public DeviceTensor? Bonus { get; init; }

    /// <summary>[B][L][H][D].</summary>
    public DeviceTensor? Removal { get; init; }

    /// <summary>[B][L][H][D].</summary>
    public DeviceTensor? Replacement { get; init; }
}
