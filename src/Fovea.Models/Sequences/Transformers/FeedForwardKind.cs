namespace Fovea.Models.Sequences.Transformers;

/// <summary>What stands between the two products of a feed-forward block.</summary>
public enum FeedForwardKind
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x * Phi(x), with the exact error function.</summary>
    Gelu,

    /// <summary>silu(gate x) * (up x), a third product (Shazeer, "GLU Variants Improve Transformer", 2020).</summary>
    SwiGlu,
}
