namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_resize_mode : uint
{
    FOVEA_RESIZE_NEAREST = 0,
    FOVEA_RESIZE_NEAREST_EXACT = 1,
    FOVEA_RESIZE_BILINEAR = 2,
    FOVEA_RESIZE_BICUBIC = 3,
    FOVEA_RESIZE_AREA = 4,
}
