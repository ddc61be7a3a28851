namespace Fovea.Detection.Evaluation;

/// <summary>Which object a detection is compared with. Detections choose in the order of their scores.</summary>
public enum MatchRule
{
    /// <summary>The one it overlaps most among those not yet found; ignored objects come last (COCO).</summary>
    BestFree,

    /// <summary>The one it overlaps most; if that was found before, the detection is a false one (PASCAL VOC).</summary>
    BestOnly,
}
