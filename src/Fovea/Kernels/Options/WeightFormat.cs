using System.Diagnostics.CodeAnalysis;

namespace Fovea;

/// <summary>How a dense layer stores its weights. Narrow formats read less memory.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "These are the names of the types.")]
public enum WeightFormat
{
    /// <summary>As given.</summary>
    Float32 = 0,

    /// <summary>Weights and x rounded to bfloat16, exact products, f32 sums.</summary>
    BFloat16 = 1,

    /// <summary>Weights in [-127, 127] with a scale per output, x quantised row by row; exact integer sums. A row of x with a value that
    /// is not finite gives NaN.</summary>
    Int8 = 2,
}
