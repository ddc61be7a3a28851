namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_reduce_op : uint
{
    FOVEA_REDUCE_SUM = 0,
    FOVEA_REDUCE_MEAN = 1,
    FOVEA_REDUCE_MAX = 2,
    FOVEA_REDUCE_MIN = 3,
    FOVEA_REDUCE_PROD = 4,
    FOVEA_REDUCE_L1 = 5,
    FOVEA_REDUCE_L2 = 6,
    FOVEA_REDUCE_LOG_SUM_EXP = 7,
}
