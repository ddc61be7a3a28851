namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_f32_products : uint
{
    FOVEA_F32_PRODUCTS_EXACT = 0,
    FOVEA_F32_PRODUCTS_TF32X3 =
      1,
    FOVEA_F32_PRODUCTS_TF32 = 2,
}
