namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUclusterSchedulingPolicy : uint
{
    CU_CLUSTER_SCHEDULING_POLICY_DEFAULT = 0,
    CU_CLUSTER_SCHEDULING_POLICY_SPREAD = 1,
    CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING = 2,
}
