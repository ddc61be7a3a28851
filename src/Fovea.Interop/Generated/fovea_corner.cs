namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_corner : uint
{
    FOVEA_CORNER_TOP = 0,
    FOVEA_CORNER_LEFT = 1,
    FOVEA_CORNER_BOTTOM = 2,
    FOVEA_CORNER_RIGHT = 3,
}
