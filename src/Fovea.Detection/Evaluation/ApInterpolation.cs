namespace Fovea.Detection.Evaluation;

/// <summary>How a precision-recall curve becomes one number. In all three, precision at a recall is the best one at that recall or above.</summary>
public enum ApInterpolation
{
    /// <summary>Area under the curve (PASCAL VOC since 2010, WIDER FACE).</summary>
    EveryPoint,

    /// <summary>Mean over recall 0, 0.1 ... 1 (PASCAL VOC 2007).</summary>
    ElevenPoints,

    /// <summary>Mean over recall 0, 0.01 ... 1 (COCO).</summary>
    HundredOnePoints,
}
