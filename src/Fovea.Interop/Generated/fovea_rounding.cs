namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_rounding : uint
{
    FOVEA_ROUNDING_NONE = 0,
    FOVEA_ROUNDING_TRUNCATE = 1,
    FOVEA_ROUNDING_NEAREST = 2,
}
