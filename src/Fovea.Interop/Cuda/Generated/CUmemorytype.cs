namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUmemorytype : uint
{
    CU_MEMORYTYPE_HOST = 0x01,
    CU_MEMORYTYPE_DEVICE = 0x02,
    CU_MEMORYTYPE_ARRAY = 0x03,
    CU_MEMORYTYPE_UNIFIED = 0x04,
}
