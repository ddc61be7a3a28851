namespace Fovea.Interop;

public unsafe partial struct fovea_linear_attention_gradients
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dq;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dk;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* dv;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_log_decay;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_initial_state;
}
