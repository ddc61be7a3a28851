namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUsynchronizationPolicy : uint
{
    CU_SYNC_POLICY_AUTO = 1,
    CU_SYNC_POLICY_SPIN = 2,
    CU_SYNC_POLICY_YIELD = 3,
    CU_SYNC_POLICY_BLOCKING_SYNC = 4,
}
