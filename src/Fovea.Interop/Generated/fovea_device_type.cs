namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_device_type : uint
{
    FOVEA_CPU = 1,
    FOVEA_CUDA = 2,
    FOVEA_CUDA_EMULATED = 12,
}
