namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_roi_mode : uint
{
    FOVEA_ROI_ALIGN = 0,
    FOVEA_ROI_ALIGN_MAX = 1,
    FOVEA_ROI_POOL = 2,
}
