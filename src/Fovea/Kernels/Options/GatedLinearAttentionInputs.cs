namespace Fovea;

/// <summary>What <see cref="Kernels.GatedLinearAttention"/> reads.</summary>
public readonly record struct GatedLinearAttentionInputs
{
    /// <summary>[B][L][H][D].</summary>
    public required DeviceTensor Q { get; init; }

    /// <summary>[B][L][H][D].</summary>
    public required DeviceTensor K { get; init; }

    /// <summary>[B][L][H][P].</summary>
    public required DeviceTensor V { get; init; }

    /// <summary>[H][D] or [B][L][H][D]; null for no decay.</summary>
    public DeviceTensor? LogDecay { get; init; }

    /// <summary>[H][D], the weight of the current position when q reads the memory before it; null: q reads the memory behind it.</summary>
    public DeviceTensor? Bonus { get; init; }

    /// <summary>[B][L][H][D], what reads the memory before the position; together with <see cref="Replacement"/>.</summary>
    public DeviceTensor? Removal { get; init; }

    /// <summary>[B][L][H][D], the key under which that is written again.</summary>
    public DeviceTensor? Replacement { get; init; }
}
