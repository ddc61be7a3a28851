using Fovea.Interop;

namespace Fovea;

/// <summary>A dense layer: y[m][n] = activation(bias[n] + sum over k of x[m][k]*w[n][k]).</summary>
public readonly record struct LinearOptions
{
    /// <summary>Last dimension of x.</summary>
    public int InFeatures { get; init; }

    /// <summary>Last dimension of y.</summary>
    public int OutFeatures { get; init; }

    /// <summary>Fused activation.</summary>
    public Activation Activation { get; init; }

    /// <summary>How the prepared weights are stored.</summary>
    public WeightFormat Weights { get; init; }

    internal fovea_linear_params ToNative() => new()
    {
        in_features = InFeatures,
        out_features = OutFeatures,
        activation = Activation.ToNative(),
        weights = (int)Weights,
    };
}
