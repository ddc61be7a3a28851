namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_memory_kind : uint
{
    FOVEA_MEMORY_DEVICE = 0,
    FOVEA_MEMORY_PINNED = 1,
}
