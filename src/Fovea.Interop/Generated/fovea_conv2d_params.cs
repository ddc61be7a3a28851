namespace Fovea.Interop;

public partial struct fovea_conv2d_params
{
    [NativeTypeName("int32_t")]
    public int in_channels;

    [NativeTypeName("int32_t")]
    public int out_channels;

    [NativeTypeName("int32_t")]
    public int kernel_h;

    [NativeTypeName("int32_t")]
    public int kernel_w;

    [NativeTypeName("int32_t")]
    public int stride_h;

    [NativeTypeName("int32_t")]
    public int stride_w;

    [NativeTypeName("int32_t")]
    public int pad_top;

    [NativeTypeName("int32_t")]
    public int pad_bottom;

    [NativeTypeName("int32_t")]
    public int pad_left;

    [NativeTypeName("int32_t")]
    public int pad_right;

    [NativeTypeName("int32_t")]
    public int dilation_h;

    [NativeTypeName("int32_t")]
    public int dilation_w;

    [NativeTypeName("int32_t")]
    public int groups;

    public fovea_activation_params activation;

    [NativeTypeName("int32_t")]
    public int allow_winograd;

    [NativeTypeName("int32_t")]
    public int algorithm;
}
