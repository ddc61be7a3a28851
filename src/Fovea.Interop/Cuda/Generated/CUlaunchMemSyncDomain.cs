namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUlaunchMemSyncDomain : uint
{
    CU_LAUNCH_MEM_SYNC_DOMAIN_DEFAULT = 0,
    CU_LAUNCH_MEM_SYNC_DOMAIN_REMOTE = 1,
}
