namespace Fovea.Interop;

public unsafe partial struct fovea_gated_linear_attention_inputs
{
    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* q;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* k;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* v;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* log_decay;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* bonus;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* removal;

    [NativeTypeName("const fovea_tensor *")]
    public fovea_tensor* replacement;
}
