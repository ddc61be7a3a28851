using Fovea.Interop;

namespace Fovea;

/// <summary>Batch normalisation.</summary>
public readonly record struct BatchNormOptions
{
    /// <summary>Creates the defaults of PyTorch.</summary>
    public BatchNormOptions()
    {
    }

    /// <summary>Added to the variance.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Share of the batch's statistics that enters the running ones.</summary>
    public float Momentum { get; init; } = 0.1f;

    /// <summary>Normalise with the batch's own statistics and update the running ones.</summary>
    public bool Training { get; init; }

    /// <summary>Fused activation; PReLU is refused.</summary>
    public Activation Activation { get; init; }

    internal fovea_batch_norm_params ToNative() => new()
    {
        epsilon = Epsilon,
        momentum = Momentum,
        training = Training ? 1 : 0,
        activation = Activation.ToNative(),
    };
}
