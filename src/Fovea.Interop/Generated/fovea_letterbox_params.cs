using System.Runtime.CompilerServices;

namespace Fovea.Interop;

public partial struct fovea_letterbox_params
{
    public fovea_resize_params resize;

    [NativeTypeName("int32_t")]
    public int place_x;

    [NativeTypeName("int32_t")]
    public int place_y;

    [NativeTypeName("int32_t")]
    public int place_w;

    [NativeTypeName("int32_t")]
    public int place_h;

    [NativeTypeName("int32_t")]
    public int reverse_channels;

    public float pad_value;

    [NativeTypeName("float[4]")]
    public _mean_e__FixedBuffer mean;

    [NativeTypeName("float[4]")]
    public _scale_e__FixedBuffer scale;

    [InlineArray(4)]
    public partial struct _mean_e__FixedBuffer
    {
        public float e0;
    }

    [InlineArray(4)]
    public partial struct _scale_e__FixedBuffer
    {
        public float e0;
    }
}
