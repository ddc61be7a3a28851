namespace Fovea.Interop;

public partial struct fovea_arg_params
{
    [NativeTypeName("int32_t")]
    public int axis;

    [NativeTypeName("int32_t")]
    public int minimum;
}
