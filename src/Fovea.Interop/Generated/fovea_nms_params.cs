namespace Fovea.Interop;

public partial struct fovea_nms_params
{
    public float iou_threshold;

    public float score_threshold;

    [NativeTypeName("int32_t")]
    public int overlap;

    [NativeTypeName("int32_t")]
    public int plus_one;

    [NativeTypeName("int32_t")]
    public int inclusive;

    [NativeTypeName("int32_t")]
    public int max_per_class;
}
