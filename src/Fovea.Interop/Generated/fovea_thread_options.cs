namespace Fovea.Interop;

public partial struct fovea_thread_options
{
    [NativeTypeName("int32_t")]
    public int count;

    [NativeTypeName("int32_t")]
    public int spin_microseconds;

    [NativeTypeName("int32_t")]
    public int pin;

    [NativeTypeName("int32_t")]
    public int reserved;
}
