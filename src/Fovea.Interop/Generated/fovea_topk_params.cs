namespace Fovea.Interop;

public partial struct fovea_topk_params
{
    [NativeTypeName("int32_t")]
    public int k;

    [NativeTypeName("int32_t")]
    public int smallest;
}
