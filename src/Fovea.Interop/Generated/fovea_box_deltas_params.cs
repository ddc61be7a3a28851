namespace Fovea.Interop;

public partial struct fovea_box_deltas_params
{
    [NativeTypeName("int32_t")]
    public int mode;

    [NativeTypeName("int32_t")]
    public int plus_one;
}
