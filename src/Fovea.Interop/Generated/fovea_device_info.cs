using System.Runtime.CompilerServices;

namespace Fovea.Interop;

public partial struct fovea_device_info
{
    [NativeTypeName("int32_t")]
    public int type;

    [NativeTypeName("int32_t")]
    public int id;

    [NativeTypeName("char[128]")]
    public _name_e__FixedBuffer name;

    [NativeTypeName("char[128]")]
    public _detail_e__FixedBuffer detail;

    [NativeTypeName("int64_t")]
    public long memory_bytes;

    [NativeTypeName("int32_t")]
    public int compute_units;

    [NativeTypeName("int32_t")]
    public int reserved;

    [InlineArray(128)]
    public partial struct _name_e__FixedBuffer
    {
        public sbyte e0;
    }

    [InlineArray(128)]
    public partial struct _detail_e__FixedBuffer
    {
        public sbyte e0;
    }
}
