namespace Fovea.Interop;

public partial struct fovea_box_points_params
{
    [NativeTypeName("int32_t")]
    public int plus_one;

    [NativeTypeName("int32_t")]
    public int planar;
}
