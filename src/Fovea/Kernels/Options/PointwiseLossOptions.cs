using Fovea.Interop;

namespace Fovea;

/// <summary>A loss of single numbers with its parameters, see <see cref="PointwiseLossKind"/>.</summary>
/// <param name="Kind">The loss.</param>
/// <param name="Alpha">Weight of the positive or negative half, or the exponent of a heat map's probabilities.</param>
/// <param name="Beta">Exponent of the distance from a heat map's peak, or where smooth L1 becomes linear; not negative.</param>
/// <param name="Gamma">Exponent of the focal losses; not negative.</param>
public readonly record struct PointwiseLossOptions(PointwiseLossKind Kind, float Alpha = 0, float Beta = 0, float Gamma = 0)
{
    /// <summary>Binary cross-entropy of logits.</summary>
    public static PointwiseLossOptions Bce => new(PointwiseLossKind.Bce);

    /// <summary>Squared difference.</summary>
    public static PointwiseLossOptions Squared => new(PointwiseLossKind.Squared);

    /// <summary>Focal loss; the defaults are RetinaNet's. A negative alpha weights both halves by 1.</summary>
    public static PointwiseLossOptions Focal(float alpha = 0.25f, float gamma = 2) => new(PointwiseLossKind.Focal, alpha, 0, gamma);

    /// <summary>Quality focal loss.</summary>
    public static PointwiseLossOptions QualityFocal(float gamma = 2) => new(PointwiseLossKind.QualityFocal, 0, 0, gamma);

    /// <summary>Varifocal loss; the defaults are VarifocalNet's.</summary>
    public static PointwiseLossOptions Varifocal(float alpha = 0.75f, float gamma = 2) => new(PointwiseLossKind.Varifocal, alpha, 0, gamma);

    /// <summary>Focal loss of a heat map with Gaussian peaks; the defaults are CornerNet's.</summary>
    public static PointwiseLossOptions HeatMap(float alpha = 2, float beta = 4) => new(PointwiseLossKind.HeatMap, alpha, beta);

    /// <summary>Smooth L1; Huber's loss is beta times it.</summary>
    public static PointwiseLossOptions SmoothL1(float beta = 1) => new(PointwiseLossKind.SmoothL1, 0, beta);

    internal fovea_pointwise_loss_params ToNative() => new()
    {
        kind = (int)Kind,
        alpha = Alpha,
        beta = Beta,
        gamma = Gamma,
    };
}
