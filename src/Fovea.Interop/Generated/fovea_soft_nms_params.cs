namespace Fovea.Interop;

public partial struct fovea_soft_nms_params
{
    [NativeTypeName("int32_t")]
    public int method;

    public float iou_threshold;

    public float sigma;

    public float score_threshold;

    [NativeTypeName("int32_t")]
    public int plus_one;
}
