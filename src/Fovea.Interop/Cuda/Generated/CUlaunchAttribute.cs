using System.Runtime.CompilerServices;

namespace Fovea.Interop.Cuda;

public partial struct CUlaunchAttribute
{
    public CUlaunchAttributeID id;

    [NativeTypeName("char[4]")]
    public _pad_e__FixedBuffer pad;

    public CUlaunchAttributeValue value;

    [InlineArray(4)]
    public partial struct _pad_e__FixedBuffer
    {
        public sbyte e0;
    }
}
