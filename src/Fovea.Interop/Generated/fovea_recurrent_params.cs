namespace Fovea.Interop;

public partial struct fovea_recurrent_params
{
    [NativeTypeName("int32_t")]
    public int cell;

    [NativeTypeName("int32_t")]
    public int input_size;

    [NativeTypeName("int32_t")]
    public int hidden_size;

    [NativeTypeName("int32_t")]
    public int reverse;
}
