namespace Fovea.Interop;

public partial struct fovea_reduce_params
{
    [NativeTypeName("int32_t")]
    public int op;

    [NativeTypeName("uint32_t")]
    public uint axes;
}
