namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_binary_op : uint
{
    FOVEA_BINARY_ADD = 0,
    FOVEA_BINARY_SUB = 1,
    FOVEA_BINARY_MUL = 2,
    FOVEA_BINARY_DIV = 3,
    FOVEA_BINARY_MAX = 4,
    FOVEA_BINARY_MIN = 5,
    FOVEA_BINARY_POW = 6,
}
