namespace Fovea.Interop;

public partial struct fovea_resize_params
{
    [NativeTypeName("int32_t")]
    public int mode;

    [NativeTypeName("int32_t")]
    public int align_corners;

    [NativeTypeName("int32_t")]
    public int antialias;

    public float cubic_a;

    public float scale;

    public float offset;
}
