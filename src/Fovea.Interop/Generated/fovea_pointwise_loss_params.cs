namespace Fovea.Interop;

public partial struct fovea_pointwise_loss_params
{
    [NativeTypeName("int32_t")]
    public int kind;

    public float alpha;

    public float beta;

    public float gamma;
}
