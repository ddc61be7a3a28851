using Fovea.Interop;

namespace Fovea;

/// <summary>An activation with its parameters. The default value is <see cref="None"/>.</summary>
/// <param name="Kind">The function.</param>
/// <param name="Alpha">First parameter, see <see cref="ActivationKind"/>.</param>
/// <param name="Beta">Second parameter.</param>
public readonly record struct Activation(ActivationKind Kind, float Alpha = 0, float Beta = 0)
{
    /// <summary>No activation.</summary>
    public static Activation None => default;

    /// <summary>max(x, 0).</summary>
    public static Activation Relu => new(ActivationKind.Relu);

    /// <summary>min(max(x, 0), 6).</summary>
    public static Activation Relu6 => new(ActivationKind.Relu6);

    /// <summary>Slope per channel from a tensor.</summary>
    public static Activation PRelu => new(ActivationKind.PRelu);

    /// <summary>1/(1+exp(-x)).</summary>
    public static Activation Sigmoid => new(ActivationKind.Sigmoid);

    /// <summary>Hyperbolic tangent.</summary>
    public static Activation Tanh => new(ActivationKind.Tanh);

    /// <summary>x*sigmoid(x).</summary>
    public static Activation Silu => new(ActivationKind.Silu);

    /// <summary>x*tanh(softplus(x)).</summary>
    public static Activation Mish => new(ActivationKind.Mish);

    /// <summary>x/2*(1+erf(x/sqrt 2)).</summary>
    public static Activation Gelu => new(ActivationKind.Gelu);

    /// <summary>The tanh approximation of GELU.</summary>
    public static Activation GeluTanh => new(ActivationKind.GeluTanh);

    /// <summary>x*clamp(x/6+0.5, 0, 1).</summary>
    public static Activation HardSwish => new(ActivationKind.HardSwish);

    /// <summary>log(1+exp(x)).</summary>
    public static Activation Softplus => new(ActivationKind.Softplus);

    /// <summary>x/(1+|x|).</summary>
    public static Activation Softsign => new(ActivationKind.Softsign);

    /// <summary>Scaled exponential linear unit with the published constants.</summary>
    public static Activation Selu => new(ActivationKind.Selu, 1.6732632f, 1.0507010f);

    /// <summary>x &gt;= 0 ? x : alpha*x.</summary>
    public static Activation LeakyRelu(float alpha) => new(ActivationKind.LeakyRelu, alpha);

    /// <summary>x &gt; 0 ? x : alpha*(exp(x)-1).</summary>
    public static Activation Elu(float alpha = 1) => new(ActivationKind.Elu, alpha);

    /// <summary>clamp(alpha*x+beta, 0, 1); the defaults are ONNX's.</summary>
    public static Activation HardSigmoid(float alpha = 0.2f, float beta = 0.5f) => new(ActivationKind.HardSigmoid, alpha, beta);

    /// <summary>min(max(x, minimum), maximum).</summary>
    public static Activation Clamp(float minimum, float maximum) => new(ActivationKind.Clamp, minimum, maximum);

    internal fovea_activation_params ToNative() => new() { kind = (int)Kind, alpha = Alpha, beta = Beta };
}
