using Fovea.Interop;

namespace Fovea;

/// <summary>Suppression that lowers scores.</summary>
public readonly record struct SoftNmsOptions
{
    /// <summary>Creates the defaults: Gaussian, as its authors use it.</summary>
    public SoftNmsOptions()
    {
    }

    /// <summary>The variant.</summary>
    public SoftNmsMethod Method { get; init; } = SoftNmsMethod.SoftGaussian;

    /// <summary>For the linear soft, the fast and the cluster variants.</summary>
    public float IouThreshold { get; init; } = 0.3f;

    /// <summary>For the Gaussian variants and the penalty; the matrix one usually takes 2, the penalty 0.2.</summary>
    public float Sigma { get; init; } = 0.5f;

    /// <summary>Boxes whose score is not larger, before or after, are dropped.</summary>
    public float ScoreThreshold { get; init; } = 0.001f;

    /// <summary>Widths and heights with +1.</summary>
    public bool PlusOne { get; init; }

    internal fovea_soft_nms_params ToNative() => new()
    {
        method = (int)Method,
        iou_threshold = IouThreshold,
        sigma = Sigma,
        score_threshold = ScoreThreshold,
        plus_one = PlusOne ? 1 : 0,
    };
}
