namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_status : uint
{
    FOVEA_OK = 0,
    FOVEA_INVALID_ARGUMENT = 1,
    FOVEA_UNSUPPORTED = 2,
    FOVEA_OUT_OF_MEMORY = 3,
    FOVEA_INVALID_STATE = 4,
    FOVEA_NOT_FOUND = 5,
    FOVEA_DEVICE_LOST = 6,
    FOVEA_INTERNAL = 7,
}
