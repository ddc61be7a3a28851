namespace Fovea;

/// <summary>Elementwise functions of two tensors.</summary>
public enum BinaryOp
{
    /// <summary>a + b.</summary>
    Add = 0,

    /// <summary>a - b.</summary>
    Sub = 1,

    /// <summary>a * b.</summary>
    Mul = 2,

    /// <summary>a / b.</summary>
    Div = 3,

    /// <summary>The larger one; NaN if either is NaN.</summary>
    Max = 4,

    /// <summary>The smaller one; NaN if either is NaN.</summary>
    Min = 5,

    /// <summary>a to the power of b.</summary>
    Pow = 6,
}
