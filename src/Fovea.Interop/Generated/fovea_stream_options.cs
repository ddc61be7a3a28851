namespace Fovea.Interop;

public partial struct fovea_stream_options
{
    [NativeTypeName("int32_t")]
    public int max_threads;

    [NativeTypeName("int32_t")]
    public int f32_products;
}
