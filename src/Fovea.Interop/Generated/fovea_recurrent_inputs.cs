namespace Fovea.Interop;

public unsafe partial struct fovea_recurrent_inputs
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* x;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* weights;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* recurrent;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* bias;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* recurrent_bias;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* lengths;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* initial_h;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* initial_c;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* y;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dy;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_final_h;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_final_c;
}
