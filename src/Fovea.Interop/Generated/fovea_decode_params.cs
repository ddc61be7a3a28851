using System.Runtime.CompilerServices;

namespace Fovea.Interop;

public partial struct fovea_decode_params
{
    [NativeTypeName("int32_t")]
    public int score_mode;

    [NativeTypeName("int32_t")]
    public int box_mode;

    [NativeTypeName("int32_t")]
    public int background;

    [NativeTypeName("int32_t")]
    public int bins;

    [NativeTypeName("int32_t")]
    public int best_class;

    [NativeTypeName("int32_t")]
    public int top_k;

    public float score_threshold;

    [NativeTypeName("float[4]")]
    public _delta_weights_e__FixedBuffer delta_weights;

    public float clip_w;

    public float clip_h;

    [InlineArray(4)]
    public partial struct _delta_weights_e__FixedBuffer
    {
        public float e0;
    }
}
