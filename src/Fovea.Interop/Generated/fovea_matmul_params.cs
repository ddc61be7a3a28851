namespace Fovea.Interop;

public partial struct fovea_matmul_params
{
    public float alpha;

    [NativeTypeName("int32_t")]
    public int transpose_a;

    [NativeTypeName("int32_t")]
    public int transpose_b;

    [NativeTypeName("int32_t")]
    public int reserved;
}
