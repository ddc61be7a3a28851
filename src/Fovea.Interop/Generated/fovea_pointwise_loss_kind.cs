namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_pointwise_loss_kind : uint
{
    FOVEA_LOSS_BCE = 0,
    FOVEA_LOSS_FOCAL = 1,
    FOVEA_LOSS_QUALITY_FOCAL = 2,
    FOVEA_LOSS_VARIFOCAL = 3,
    FOVEA_LOSS_HEAT_MAP = 4,
    FOVEA_LOSS_SMOOTH_L1 = 5,
    FOVEA_LOSS_SQUARED = 6,
}
