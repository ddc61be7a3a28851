namespace Fovea.Interop;

public partial struct fovea_diagonal_scan_params
{
    [NativeTypeName("int32_t")]
    public int is_complex;

    [NativeTypeName("int32_t")]
    public int reserved;
}
