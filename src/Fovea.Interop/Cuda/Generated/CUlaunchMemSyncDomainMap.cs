namespace Fovea.Interop.Cuda;

public partial struct CUlaunchMemSyncDomainMap
{
    [NativeTypeName("unsigned char")]
    public byte default_;

    [NativeTypeName("unsigned char")]
    public byte remote;
}
