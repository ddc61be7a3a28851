namespace Fovea.Interop;

public partial struct fovea_norm_params
{
    public float epsilon;

    [NativeTypeName("int32_t")]
    public int rms;

    [NativeTypeName("int32_t")]
    public int groups;

    [NativeTypeName("int32_t")]
    public int reserved;
}
