using System.Runtime.InteropServices;

namespace Fovea.Interop.Cuda;

public static unsafe partial class CudaDriver
{
    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuGetErrorString(CUresult error, [NativeTypeName("const char **")] sbyte** pStr);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuGetErrorName(CUresult error, [NativeTypeName("const char **")] sbyte** pStr);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuInit([NativeTypeName("unsigned int")] uint Flags);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDriverGetVersion(int* driverVersion);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDeviceGet([NativeTypeName("CUdevice *")] int* device, int ordinal);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDeviceGetCount(int* count);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDeviceGetName([NativeTypeName("char *")] sbyte* name, int len, [NativeTypeName("CUdevice")] int dev);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDeviceGetAttribute(int* pi, CUdevice_attribute attrib, [NativeTypeName("CUdevice")] int dev);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDevicePrimaryCtxRetain([NativeTypeName("CUcontext *")] CUctx_st** pctx, [NativeTypeName("CUdevice")] int dev);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuDevicePrimaryCtxRelease_v2([NativeTypeName("CUdevice")] int dev);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxPushCurrent_v2([NativeTypeName("CUcontext")] CUctx_st* ctx);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxPopCurrent_v2([NativeTypeName("CUcontext *")] CUctx_st** pctx);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxSetCurrent([NativeTypeName("CUcontext")] CUctx_st* ctx);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxGetCurrent([NativeTypeName("CUcontext *")] CUctx_st** pctx);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxGetDevice([NativeTypeName("CUdevice *")] int* device);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxSynchronize();

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuCtxGetApiVersion([NativeTypeName("CUcontext")] CUctx_st* ctx, [NativeTypeName("unsigned int *")] uint* version);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuModuleLoadData([NativeTypeName("CUmodule *")] CUmod_st** module, [NativeTypeName("const void *")] void* image);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuModuleLoadDataEx([NativeTypeName("CUmodule *")] CUmod_st** module, [NativeTypeName("const void *")] void* image, [NativeTypeName("unsigned int")] uint numOptions, CUjit_option* options, void** optionValues);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuModuleUnload([NativeTypeName("CUmodule")] CUmod_st* hmod);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuModuleGetFunction([NativeTypeName("CUfunction *")] CUfunc_st** hfunc, [NativeTypeName("CUmodule")] CUmod_st* hmod, [NativeTypeName("const char *")] sbyte* name);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuModuleGetGlobal_v2([NativeTypeName("CUdeviceptr *")] ulong* dptr, [NativeTypeName("size_t *")] nuint* bytes, [NativeTypeName("CUmodule")] CUmod_st* hmod, [NativeTypeName("const char *")] sbyte* name);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuPointerGetAttribute(void* data, CUpointer_attribute attribute, [NativeTypeName("CUdeviceptr")] ulong ptr);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuStreamGetCtx([NativeTypeName("CUstream")] CUstream_st* hStream, [NativeTypeName("CUcontext *")] CUctx_st** pctx);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuFuncGetAttribute(int* pi, CUfunction_attribute attrib, [NativeTypeName("CUfunction")] CUfunc_st* hfunc);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuFuncSetAttribute([NativeTypeName("CUfunction")] CUfunc_st* hfunc, CUfunction_attribute attrib, int value);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuFuncGetModule([NativeTypeName("CUmodule *")] CUmod_st** hmod, [NativeTypeName("CUfunction")] CUfunc_st* hfunc);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuFuncGetName([NativeTypeName("const char **")] sbyte** name, [NativeTypeName("CUfunction")] CUfunc_st* hfunc);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuFuncGetParamInfo([NativeTypeName("CUfunction")] CUfunc_st* func, [NativeTypeName("size_t")] nuint paramIndex, [NativeTypeName("size_t *")] nuint* paramOffset, [NativeTypeName("size_t *")] nuint* paramSize);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuLaunchKernel([NativeTypeName("CUfunction")] CUfunc_st* f, [NativeTypeName("unsigned int")] uint gridDimX, [NativeTypeName("unsigned int")] uint gridDimY, [NativeTypeName("unsigned int")] uint gridDimZ, [NativeTypeName("unsigned int")] uint blockDimX, [NativeTypeName("unsigned int")] uint blockDimY, [NativeTypeName("unsigned int")] uint blockDimZ, [NativeTypeName("unsigned int")] uint sharedMemBytes, [NativeTypeName("CUstream")] CUstream_st* hStream, void** kernelParams, void** extra);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuLaunchKernelEx([NativeTypeName("const CUlaunchConfig *")] CUlaunchConfig* config, [NativeTypeName("CUfunction")] CUfunc_st* f, void** kernelParams, void** extra);

    [DllImport("cuda", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, [NativeTypeName("CUfunction")] CUfunc_st* func, int blockSize, [NativeTypeName("size_t")] nuint dynamicSMemSize);

    [NativeTypeName("#define CUDA_VERSION 12040")]
    public const int CUDA_VERSION = 12040;
}
