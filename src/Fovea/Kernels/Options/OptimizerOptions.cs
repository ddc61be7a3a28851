using Fovea.Interop;

namespace Fovea;

/// <summary>What stays the same from step to step; learning rate, step and gradient factor lie on the device.</summary>
public readonly record struct OptimizerOptions
{
    /// <summary>Creates AdamW with its usual constants.</summary>
    public OptimizerOptions()
    {
    }

    /// <summary>The rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.AdamW;

    /// <summary>Decay of the first moment, or the momentum.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Decay of the second moment.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Added to the root of the corrected second moment.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Weight decay.</summary>
    public float WeightDecay { get; init; }

    /// <summary>Momentum only: the gradient enters by 1 - dampening.</summary>
    public float Dampening { get; init; }

    internal fovea_optimizer_params ToNative() => new()
    {
        kind = (int)Kind,
        beta1 = Beta1,
        beta2 = Beta2,
        epsilon = Epsilon,
        weight_decay = WeightDecay,
        dampening = Dampening,
    };
}
