namespace Fovea.Interop;

public partial struct fovea_activation_params
{
    [NativeTypeName("int32_t")]
    public int kind;

    public float alpha;

    public float beta;

    [NativeTypeName("int32_t")]
    public int reserved;
}
