namespace Fovea.Interop;

public partial struct fovea_pool2d_params
{
    [NativeTypeName("int32_t")]
    public int mode;

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
    public int ceil_mode;

    [NativeTypeName("int32_t")]
    public int count_include_pad;

    [NativeTypeName("int32_t")]
    public int reserved;
}
