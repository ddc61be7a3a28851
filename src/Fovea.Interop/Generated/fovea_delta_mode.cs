namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_delta_mode : uint
{
    FOVEA_DELTA_CORNERS = 0,
    FOVEA_DELTA_CENTRE = 1,
}
