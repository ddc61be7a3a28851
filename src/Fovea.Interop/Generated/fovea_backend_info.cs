namespace Fovea.Interop;

public unsafe partial struct fovea_backend_info
{
    [NativeTypeName("const char *")]
    public sbyte* name;

    [NativeTypeName("const char *")]
    public sbyte* origin;

    [NativeTypeName("const char *")]
    public sbyte* reason;

    [NativeTypeName("int32_t")]
    public int device_count;

    [NativeTypeName("int32_t")]
    public int abi_version;
}
