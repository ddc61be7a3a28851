namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_f32_products : uint
{
    FOVEA_F32_EXACT = 0,
    FOVEA_F32_TF32 = 1,
    FOVEA_F32_THREE_TF32 = 2,
}
