namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_dtype_code : uint
{
    FOVEA_INT = 0,
    FOVEA_UINT = 1,
    FOVEA_FLOAT = 2,
    FOVEA_BFLOAT = 4,
    FOVEA_BOOL = 6,
}
