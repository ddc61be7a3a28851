namespace Fovea.Interop;

public unsafe partial struct fovea_layout_entry
{
    [NativeTypeName("const char *")]
    public sbyte* type_name;

    [NativeTypeName("const char *")]
    public sbyte* field_name;

    [NativeTypeName("int64_t")]
    public long offset;

    [NativeTypeName("int64_t")]
    public long size;
}
