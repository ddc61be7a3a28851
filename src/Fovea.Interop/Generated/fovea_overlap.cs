namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_overlap : uint
{
    FOVEA_OVERLAP_UNION = 0,
    FOVEA_OVERLAP_MIN = 1,
    FOVEA_OVERLAP_DIOU = 2,
    FOVEA_OVERLAP_GIOU = 3,
}
