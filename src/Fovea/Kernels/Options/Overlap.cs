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

    /// <summary>Diou less alpha * v, where v compares the aspect ratios (Zheng et al., 2020). Not for suppression, as those that
    /// follow.</summary>
    Ciou = 4,

    /// <summary>Diou less the squared differences of width and height over those of the enclosing box (Zhang et al., "Focal and
    /// Efficient IOU Loss", 2021).</summary>
    Eiou = 5,

    /// <summary>IoU less half of a distance cost, which knows the angle between the centres, and a shape cost (Gevorgyan, "SIoU
    /// Loss", 2022).</summary>
    Siou = 6,
}
