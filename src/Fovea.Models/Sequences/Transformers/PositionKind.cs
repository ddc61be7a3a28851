namespace Fovea.Models.Sequences.Transformers;

/// <summary>How a transformer learns where a token stands.</summary>
public enum PositionKind
{
    /// <summary>Not at all: without a causal mask the model sees a set.</summary>
    None,

    /// <summary>Sines and cosines side by side, added to the embedding: PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i+1) its cosine
    /// (Vaswani et al., "Attention Is All You Need", 2017).</summary>
    Sinusoidal,

    /// <summary>All sines, then all cosines, of frequencies from 1 to 1/10000 in d/2 equal steps of the exponent (Tensor2Tensor).</summary>
    SinusoidalConcatenated,

    /// <summary>A trained vector per position, added to the embedding.</summary>
    Learned,

    /// <summary>Queries and keys are rotated by angles that grow with the position (Su et al., "RoFormer", 2021), in self-attention
    /// alone. Pairs are elements i and i + d/2 of a head.</summary>
    Rotary,
}
