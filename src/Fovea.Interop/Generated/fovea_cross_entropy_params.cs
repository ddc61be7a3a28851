namespace Fovea.Interop;

public partial struct fovea_cross_entropy_params
{
    public float label_smoothing;

    [NativeTypeName("int32_t")]
    public int reserved;

    [NativeTypeName("int64_t")]
    public long ignore_index;
}
