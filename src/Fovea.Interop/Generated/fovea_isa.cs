namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_isa : uint
{
    FOVEA_ISA_REFERENCE = 0,
    FOVEA_ISA_SCALAR = 1,
    FOVEA_ISA_AVX2 = 2,
    FOVEA_ISA_AVX512 = 3,
}
