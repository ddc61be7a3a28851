namespace Fovea.Interop;

public partial struct fovea_deform_conv2d_params
{
    public fovea_conv2d_params conv;

    [NativeTypeName("int32_t")]
    public int offset_groups;

    [NativeTypeName("int32_t")]
    public int reserved;
}
