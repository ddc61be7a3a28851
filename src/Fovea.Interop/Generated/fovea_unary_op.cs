namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_unary_op : uint
{
    FOVEA_UNARY_ABS = 0,
    FOVEA_UNARY_NEG = 1,
    FOVEA_UNARY_EXP = 2,
    FOVEA_UNARY_LOG = 3,
    FOVEA_UNARY_SQRT = 4,
    FOVEA_UNARY_RSQRT = 5,
    FOVEA_UNARY_RECIPROCAL = 6,
    FOVEA_UNARY_SQUARE = 7,
    FOVEA_UNARY_FLOOR = 8,
    FOVEA_UNARY_CEIL = 9,
    FOVEA_UNARY_ROUND = 10,
    FOVEA_UNARY_SIGN = 11,
    FOVEA_UNARY_SIN = 12,
    FOVEA_UNARY_COS = 13,
    FOVEA_UNARY_ERF = 14,
    FOVEA_UNARY_AFFINE = 15,
}
