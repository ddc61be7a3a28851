namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Generations of RWKV that can be run.</summary>
public enum RwkvVersion
{
    /// <summary>A decay per channel (Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", 2023).</summary>
    V4,

    /// <summary>Heads with a matrix as memory, one decay and one bonus each.</summary>
    V51,

    /// <summary>A decay and a bonus per key, and an output gate (Peng et al., "Eagle and Finch", 2024).</summary>
    V52,

    /// <summary>A decay that depends on the input, and the delta rule (Peng et al., "RWKV-7 Goose", 2025).</summary>
    V7,
}
