namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUaccessProperty : uint
{
    CU_ACCESS_PROPERTY_NORMAL = 0,
    CU_ACCESS_PROPERTY_STREAMING = 1,
    CU_ACCESS_PROPERTY_PERSISTING = 2,
}
