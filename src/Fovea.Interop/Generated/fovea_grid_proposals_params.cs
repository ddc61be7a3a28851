namespace Fovea.Interop;

public partial struct fovea_grid_proposals_params
{
    public float threshold;

    [NativeTypeName("int32_t")]
    public int stride;

    [NativeTypeName("int32_t")]
    public int cell;

    public float origin;

    public float scale_x;

    public float scale_y;

    [NativeTypeName("int32_t")]
    public int plus_one;

    [NativeTypeName("int32_t")]
    public int rounding;
}
