namespace Fovea.Interop;

public unsafe partial struct fovea_selective_scan_gradients
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* du;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_delta;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dA;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dB;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dC;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_skip;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dz;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_delta_bias;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_initial_state;
}
