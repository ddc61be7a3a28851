namespace Fovea.Interop.Cuda;

public unsafe partial struct CUaccessPolicyWindow
{
    public void* base_ptr;

    [NativeTypeName("size_t")]
    public nuint num_bytes;

    public float hitRatio;

    public CUaccessProperty hitProp;

    public CUaccessProperty missProp;
}
