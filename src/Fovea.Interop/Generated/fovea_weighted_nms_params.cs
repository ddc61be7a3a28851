namespace Fovea.Interop;

public partial struct fovea_weighted_nms_params
{
    [NativeTypeName("int32_t")]
    public int method;

    public float iou_threshold;

    public float score_threshold;

    [NativeTypeName("int32_t")]
    public int models;

    [NativeTypeName("int32_t")]
    public int plus_one;

    [NativeTypeName("int32_t")]
    public int reserved;
}
