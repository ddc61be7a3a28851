namespace Fovea.Interop;

public partial struct fovea_batch_norm_params
{
    public float epsilon;

    public float momentum;

    [NativeTypeName("int32_t")]
    public int training;

    public fovea_activation_params activation;
}
