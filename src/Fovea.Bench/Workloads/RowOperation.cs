namespace Fovea.Bench.Workloads;

/// <summary>What a <see cref="RowWorkload"/> computes.</summary>
public enum RowOperation
{
    LayerNorm,
    Softmax,

    /// <summary>x/2*(1+erf(x/sqrt 2)).</summary>
    Gelu,

    /// <summary>The tanh approximation.</summary>
    GeluTanh,
}
