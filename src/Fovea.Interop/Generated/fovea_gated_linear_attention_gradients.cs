namespace Fovea.Interop;

public unsafe partial struct fovea_gated_linear_attention_gradients
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
    public fovea_tensor* d_bonus;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_removal;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* d_replacement;
}
