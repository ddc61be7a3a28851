namespace Fovea.Interop;

public partial struct fovea_conv_transpose2d_params
{
    public fovea_conv2d_params conv;

    [NativeTypeName("int32_t")]
    public int output_pad_h;

    [NativeTypeName("int32_t")]
    public int output_pad_w;
}
