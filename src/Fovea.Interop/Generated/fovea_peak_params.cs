namespace Fovea.Interop;

public partial struct fovea_peak_params
{
    [NativeTypeName("int32_t")]
    public int score_mode;

    [NativeTypeName("int32_t")]
    public int size_mode;

    [NativeTypeName("int32_t")]
    public int window;

    [NativeTypeName("int32_t")]
    public int top_k;

    public float score_threshold;

    public float stride;

    public float size_scale;

    public float clip_w;

    public float clip_h;
}
