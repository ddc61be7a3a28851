namespace Fovea;

/// <summary>A loss of single numbers. The first five take logits x and targets t in [0, 1]; p = sigmoid(x), BCE = -t*log(p) -
/// (1-t)*log(1-p).</summary>
public enum PointwiseLossKind
{
    /// <summary>BCE.</summary>
    Bce = 0,

    /// <summary>The halves of BCE times alpha*(1-p)^gamma and (1-alpha)*p^gamma (Lin et al., "Focal Loss for Dense Object Detection",
    /// 2017); a negative alpha: times (1-p)^gamma and p^gamma.</summary>
    Focal = 1,

    /// <summary>|t-p|^gamma * BCE (Li et al., "Generalized Focal Loss", 2020).</summary>
    QualityFocal = 2,

    /// <summary>(t &gt; 0 ? t : alpha*p^gamma) * BCE (Zhang et al., "VarifocalNet", 2021); p in the weight is differentiated.</summary>
    Varifocal = 3,

    /// <summary>-(1-p)^alpha * log(p) where t is 1, else -(1-t)^beta * p^alpha * log(1-p) (Law and Deng, "CornerNet", 2018).</summary>
    HeatMap = 4,

    /// <summary>d^2/(2*beta) where d = |x-t| is below beta, else d - beta/2; beta = 0: L1.</summary>
    SmoothL1 = 5,

    /// <summary>(x-t)^2.</summary>
    Squared = 6,
}
