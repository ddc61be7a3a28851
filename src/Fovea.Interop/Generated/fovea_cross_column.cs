namespace Fovea.Interop;

public unsafe partial struct fovea_cross_column
{
    [NativeTypeName("const int64_t *")]
    public long* values;

    [NativeTypeName("const int64_t *")]
    public long* row_splits;
}
