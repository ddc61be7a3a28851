namespace Fovea.Interop;

public partial struct fovea_linear_params
{
    [NativeTypeName("int32_t")]
    public int in_features;

    [NativeTypeName("int32_t")]
    public int out_features;

    public fovea_activation_params activation;

    [NativeTypeName("int32_t")]
    public int weights;

    [NativeTypeName("int32_t")]
    public int reserved;
}
