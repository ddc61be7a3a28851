namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_peak_size : uint
{
    FOVEA_PEAK_EXTENT = 0,
    FOVEA_PEAK_DISTANCES = 1,
}
