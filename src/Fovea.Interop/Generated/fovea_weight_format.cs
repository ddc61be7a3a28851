namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_weight_format : uint
{
    FOVEA_WEIGHTS_F32 = 0,
    FOVEA_WEIGHTS_BF16 = 1,
    FOVEA_WEIGHTS_INT8 = 2,
}
