namespace Fovea;

/// <summary>Reductions. Of nothing: sum 0, product 1, max -inf, min +inf, mean NaN.</summary>
public enum ReduceOp
{
    /// <summary>Sum.</summary>
    Sum = 0,

    /// <summary>Mean.</summary>
    Mean = 1,

    /// <summary>Maximum.</summary>
    Max = 2,

    /// <summary>Minimum.</summary>
    Min = 3,

    /// <summary>Product.</summary>
    Prod = 4,

    /// <summary>Sum of absolute values.</summary>
    L1 = 5,

    /// <summary>Square root of the sum of squares.</summary>
    L2 = 6,

    /// <summary>log(sum(exp(x))), without overflow.</summary>
    LogSumExp = 7,
}
