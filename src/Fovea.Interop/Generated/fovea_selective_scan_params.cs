namespace Fovea.Interop;

public partial struct fovea_selective_scan_params
{
    [NativeTypeName("int32_t")]
    public int delta_softplus;

    [NativeTypeName("int32_t")]
    public int reserved;
}
