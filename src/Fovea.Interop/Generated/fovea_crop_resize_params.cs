namespace Fovea.Interop;

public partial struct fovea_crop_resize_params
{
    public fovea_resize_params resize;

    [NativeTypeName("int32_t")]
    public int plus_one;

    public float pad_value;
}
