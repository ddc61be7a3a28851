namespace Fovea;

/// <summary>Elementwise functions that kernels can fuse.</summary>
public enum ActivationKind
{
    /// <summary>y = x.</summary>
    None = 0,

    /// <summary>max(x, 0).</summary>
    Relu = 1,

    /// <summary>min(max(x, 0), 6).</summary>
    Relu6 = 2,

    /// <summary>x &gt;= 0 ? x : alpha*x.</summary>
    LeakyRelu = 3,

    /// <summary>As leaky, with a slope per channel from a tensor.</summary>
    PRelu = 4,

    /// <summary>1/(1+exp(-x)).</summary>
    Sigmoid = 5,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh = 6,

    /// <summary>x*sigmoid(x).</summary>
    Silu = 7,

    /// <summary>x*tanh(softplus(x)).</summary>
    Mish = 8,

    /// <summary>x/2*(1+erf(x/sqrt 2)).</summary>
    Gelu = 9,

    /// <summary>The tanh approximation of GELU.</summary>
    GeluTanh = 10,

    /// <summary>clamp(alpha*x+beta, 0, 1).</summary>
    HardSigmoid = 11,

    /// <summary>x*clamp(x/6+0.5, 0, 1).</summary>
    HardSwish = 12,

    /// <summary>x &gt; 0 ? x : alpha*(exp(x)-1).</summary>
    Elu = 13,

    /// <summary>beta*(x &gt; 0 ? x : alpha*(exp(x)-1)).</summary>
    Selu = 14,

    /// <summary>log(1+exp(x)), without overflow.</summary>
    Softplus = 15,

    /// <summary>x/(1+|x|).</summary>
    Softsign = 16,

    /// <summary>min(max(x, alpha), beta).</summary>
    Clamp = 17,
}
