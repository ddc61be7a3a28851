namespace Fovea.Interop.Cuda;

public unsafe partial struct CUlaunchConfig
{
    [NativeTypeName("unsigned int")]
    public uint gridDimX;

    [NativeTypeName("unsigned int")]
    public uint gridDimY;

    [NativeTypeName("unsigned int")]
    public uint gridDimZ;

    [NativeTypeName("unsigned int")]
    public uint blockDimX;

    [NativeTypeName("unsigned int")]
    public uint blockDimY;

    [NativeTypeName("unsigned int")]
    public uint blockDimZ;

    [NativeTypeName("unsigned int")]
    public uint sharedMemBytes;

    [NativeTypeName("CUstream")]
    public CUstream_st* hStream;

    public CUlaunchAttribute* attrs;

    [NativeTypeName("unsigned int")]
    public uint numAttrs;
}
