namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_overlap : uint
{
    FOVEA_OVERLAP_UNION = 0,
    FOVEA_OVERLAP_MIN = 1,
    FOVEA_OVERLAP_DIOU = 2,
    FOVEA_OVERLAP_GIOU = 3,
    FOVEA_OVERLAP_CIOU = 4,
    FOVEA_OVERLAP_EIOU =
      5,
    FOVEA_OVERLAP_SIOU = 6,
}
