using Fovea.Interop;

namespace Fovea;

/// <summary>Chunked causal linear attention.</summary>
public readonly record struct LinearAttentionOptions
{
    /// <summary>Factor of q; 0 for 1.</summary>
    public float Scale { get; init; }

    /// <summary>Positions per chunk; 0 for a choice by shape. Changes results by rounding only.</summary>
    public int Chunk { get; init; }

    internal fovea_linear_attention_params ToNative() => new() { scale = Scale, chunk = Chunk };
}
