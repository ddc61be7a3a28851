using System.Runtime.CompilerServices;

namespace Fovea.Interop;

public unsafe partial struct fovea_tensor
{
    public void* data;

    [NativeTypeName("int64_t[8]")]
    public _shape_e__FixedBuffer shape;

    [NativeTypeName("int64_t")]
    public long pitch;

    [NativeTypeName("const int32_t *")]
    public int* live;

    [NativeTypeName("int32_t")]
    public int rank;

    public fovea_dtype dtype;

    [NativeTypeName("int32_t")]
    public int device_type;

    [NativeTypeName("int32_t")]
    public int device_id;

    [InlineArray(8)]
    public partial struct _shape_e__FixedBuffer
    {
        public long e0;
    }
}
