using Fovea.Interop;

namespace Fovea;

/// <summary>Layer normalisation or root-mean-square normalisation.</summary>
public readonly record struct LayerNormOptions
{
    /// <summary>Creates the defaults.</summary>
    public LayerNormOptions()
    {
    }

    /// <summary>Added to the variance, or to the mean square; not negative.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Divides by the root of the mean square and subtracts no mean.</summary>
    public bool Rms { get; init; }

    internal fovea_norm_params ToNative() => new()
    {
        epsilon = Epsilon,
        rms = Rms ? 1 : 0,
    };
}
