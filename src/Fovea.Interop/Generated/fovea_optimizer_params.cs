namespace Fovea.Interop;

public partial struct fovea_optimizer_params
{
    [NativeTypeName("int32_t")]
    public int kind;

    public float beta1;

    public float beta2;

    public float epsilon;

    public float weight_decay;

    public float dampening;
}
