namespace Fovea.Interop;

public partial struct fovea_unary_params
{
    [NativeTypeName("int32_t")]
    public int op;

    public float alpha;

    public float beta;

    [NativeTypeName("int32_t")]
    public int reserved;
}
