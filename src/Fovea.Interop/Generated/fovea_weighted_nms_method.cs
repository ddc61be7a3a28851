namespace Fovea.Interop;

[NativeTypeName("unsigned int")]
public enum fovea_weighted_nms_method : uint
{
    FOVEA_WEIGHTED_NMS = 0,
    FOVEA_BOX_FUSION =
      1,
}
