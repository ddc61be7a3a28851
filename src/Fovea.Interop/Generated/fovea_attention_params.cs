namespace Fovea.Interop;

public partial struct fovea_attention_params
{
    public float softmax_scale;

    [NativeTypeName("int32_t")]
    public int causal;

    [NativeTypeName("int32_t")]
    public int window;

    public float softcap;
}
