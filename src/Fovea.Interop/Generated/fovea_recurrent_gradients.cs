namespace Fovea.Interop;

public unsafe partial struct fovea_recurrent_gradients
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dx;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_weights;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_recurrent;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_bias;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_recurrent_bias;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_initial_h;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_initial_c;
}
