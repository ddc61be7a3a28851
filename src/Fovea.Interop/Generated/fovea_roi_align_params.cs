namespace Fovea.Interop;

public partial struct fovea_roi_align_params
{
    [NativeTypeName("int32_t")]
    public int mode;

    public float spatial_scale;

    [NativeTypeName("int32_t")]
    public int sampling_ratio;

    [NativeTypeName("int32_t")]
    public int aligned;
}
