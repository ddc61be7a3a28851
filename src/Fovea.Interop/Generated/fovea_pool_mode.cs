namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_pool_mode : uint
{
    FOVEA_POOL_MAX = 0,
    FOVEA_POOL_AVERAGE = 1,
}
