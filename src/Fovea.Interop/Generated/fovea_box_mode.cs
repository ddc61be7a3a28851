namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_box_mode : uint
{
    FOVEA_BOX_PLAIN = 0,
    FOVEA_BOX_CENTRE = 1,
    FOVEA_BOX_DELTAS = 2,
    FOVEA_BOX_DISTANCES = 3,
    FOVEA_BOX_GRID = 4,
    FOVEA_BOX_BINS = 5,
}
