using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fovea.Interop.Cuda;

[StructLayout(LayoutKind.Explicit)]
public partial struct CUlaunchAttributeValue
{
    [FieldOffset(0)]
    [NativeTypeName("char[64]")]
    public _pad_e__FixedBuffer pad;

    [FieldOffset(0)]
    public CUaccessPolicyWindow accessPolicyWindow;

    [FieldOffset(0)]
    public int cooperative;

    [FieldOffset(0)]
    public CUsynchronizationPolicy syncPolicy;

    [FieldOffset(0)]
    public _clusterDim_e__Struct clusterDim;

    [FieldOffset(0)]
    public CUclusterSchedulingPolicy clusterSchedulingPolicyPreference;

    [FieldOffset(0)]
    public int programmaticStreamSerializationAllowed;

    [FieldOffset(0)]
    public _programmaticEvent_e__Struct programmaticEvent;

    [FieldOffset(0)]
    public _launchCompletionEvent_e__Struct launchCompletionEvent;

    [FieldOffset(0)]
    public int priority;

    [FieldOffset(0)]
    public CUlaunchMemSyncDomainMap memSyncDomainMap;

    [FieldOffset(0)]
    public CUlaunchMemSyncDomain memSyncDomain;

    [FieldOffset(0)]
    public _deviceUpdatableKernelNode_e__Struct deviceUpdatableKernelNode;

    public partial struct _clusterDim_e__Struct
    {
        [NativeTypeName("unsigned int")]
        public uint x;

        [NativeTypeName("unsigned int")]
        public uint y;

        [NativeTypeName("unsigned int")]
        public uint z;
    }

    public unsafe partial struct _programmaticEvent_e__Struct
    {
        [NativeTypeName("CUevent")]
        public CUevent_st* @event;

        public int flags;

        public int triggerAtBlockStart;
    }

    public unsafe partial struct _launchCompletionEvent_e__Struct
    {
        [NativeTypeName("CUevent")]
        public CUevent_st* @event;

        public int flags;
    }

    public unsafe partial struct _deviceUpdatableKernelNode_e__Struct
    {
        public int deviceUpdatable;

        [NativeTypeName("CUgraphDeviceNode")]
        public CUgraphDeviceUpdatableNode_st* devNode;
    }

    [InlineArray(64)]
    public partial struct _pad_e__FixedBuffer
    {
        public sbyte e0;
    }
}
