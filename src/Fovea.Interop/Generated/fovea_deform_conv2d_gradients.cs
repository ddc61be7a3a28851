namespace Fovea.Interop;

public unsafe partial struct fovea_deform_conv2d_gradients
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dx;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_offsets;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_mask;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dw;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dbias;
}
