namespace Fovea.Interop;

public partial struct fovea_separable_conv2d_params
{
    public fovea_conv2d_params depthwise;

    [NativeTypeName("int32_t")]
    public int out_channels;

    public fovea_activation_params activation;
}
