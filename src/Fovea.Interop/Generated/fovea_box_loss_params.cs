namespace Fovea.Interop;

public partial struct fovea_box_loss_params
{
    [NativeTypeName("int32_t")]
    public int overlap;

    [NativeTypeName("int32_t")]
    public int detach_alpha;

    public float power;

    [NativeTypeName("int32_t")]
    public int reserved;
}
