namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_conv2d_algorithm : uint
{
    FOVEA_CONV2D_AUTO = 0,
    FOVEA_CONV2D_DIRECT = 1,
    FOVEA_CONV2D_WINOGRAD_2X2 = 2,
    FOVEA_CONV2D_WINOGRAD_4X4 = 3,
}
