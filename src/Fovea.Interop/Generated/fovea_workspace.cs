namespace Fovea.Interop;

public unsafe partial struct fovea_workspace
{
    public void* data;

    [NativeTypeName("int64_t")]
    public long bytes;
}
