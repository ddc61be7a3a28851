namespace Fovea;

/// <summary>Elementwise functions of one tensor.</summary>
public enum UnaryOp
{
    /// <summary>|x|.</summary>
    Abs = 0,

    /// <summary>-x.</summary>
    Neg = 1,

    /// <summary>Exponential.</summary>
    Exp = 2,

    /// <summary>Natural logarithm.</summary>
    Log = 3,

    /// <summary>Square root.</summary>
    Sqrt = 4,

    /// <summary>1/sqrt(x).</summary>
    Rsqrt = 5,

    /// <summary>1/x.</summary>
    Reciprocal = 6,

    /// <summary>x*x.</summary>
    Square = 7,

    /// <summary>Round down.</summary>
    Floor = 8,

    /// <summary>Round up.</summary>
    Ceil = 9,

    /// <summary>Round to the nearest, halves to even.</summary>
    Round = 10,

    /// <summary>-1, 0 or 1.</summary>
    Sign = 11,

    /// <summary>Sine.</summary>
    Sin = 12,

    /// <summary>Cosine.</summary>
    Cos = 13,

    /// <summary>Error function.</summary>
    Erf = 14,

    /// <summary>alpha*x + beta.</summary>
    Affine = 15,
}
