namespace Fovea.Interop;

public partial struct fovea_dropout_params
{
    public float rate;

    [NativeTypeName("int32_t")]
    public int reserved;

    [NativeTypeName("int64_t")]
    public long sequence;
}
