namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_soft_nms_method : uint
{
    FOVEA_SOFT_NMS_LINEAR = 0,
    FOVEA_SOFT_NMS_GAUSSIAN = 1,
    FOVEA_MATRIX_NMS_LINEAR = 2,
    FOVEA_MATRIX_NMS_GAUSSIAN = 3,
    FOVEA_FAST_NMS = 4,
    FOVEA_CLUSTER_NMS = 5,
    FOVEA_CLUSTER_NMS_SPM = 6,
}
