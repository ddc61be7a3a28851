namespace Fovea;

/// <summary>How the overlap of two boxes is measured.</summary>
public enum Overlap
{
    /// <summary>Intersection over union.</summary>
    Union = 0,

    /// <summary>Intersection over the smaller area.</summary>
    Min = 1,

    /// <summary>IoU less the squared ratio of centre distance to the diagonal of the enclosing box (Zheng et al., "Distance-IoU Loss",
    /// 2020).</summary>
    Diou = 2,

    /// <summary>IoU less the share of the enclosing box that neither covers (Rezatofighi et al., "Generalized Intersection over Union",
    /// 2019).</summary>
    Giou = 3,
}
