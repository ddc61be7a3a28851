namespace Fovea.Interop;

public partial struct fovea_linear_attention_params
{
    public float scale;

    [NativeTypeName("int32_t")]
    public int chunk;
}
