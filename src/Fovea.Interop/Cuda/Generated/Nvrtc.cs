using System.Runtime.InteropServices;

namespace Fovea.Interop.Cuda;

public static unsafe partial class Nvrtc
{
    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    [return: NativeTypeName("const char *")]
    public static extern sbyte* nvrtcGetErrorString(nvrtcResult result);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcVersion(int* major, int* minor);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetNumSupportedArchs(int* numArchs);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetSupportedArchs(int* supportedArchs);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcCreateProgram([NativeTypeName("nvrtcProgram *")] _nvrtcProgram** prog, [NativeTypeName("const char *")] sbyte* src, [NativeTypeName("const char *")] sbyte* name, int numHeaders, [NativeTypeName("const char *const *")] sbyte** headers, [NativeTypeName("const char *const *")] sbyte** includeNames);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcDestroyProgram([NativeTypeName("nvrtcProgram *")] _nvrtcProgram** prog);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcCompileProgram([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, int numOptions, [NativeTypeName("const char *const *")] sbyte** options);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetPTXSize([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("size_t *")] nuint* ptxSizeRet);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetPTX([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("char *")] sbyte* ptx);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetCUBINSize([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("size_t *")] nuint* cubinSizeRet);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetCUBIN([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("char *")] sbyte* cubin);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetProgramLogSize([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("size_t *")] nuint* logSizeRet);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetProgramLog([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("char *")] sbyte* log);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcAddNameExpression([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("const char *const")] sbyte* name_expression);

    [DllImport("nvrtc", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
    public static extern nvrtcResult nvrtcGetLoweredName([NativeTypeName("nvrtcProgram")] _nvrtcProgram* prog, [NativeTypeName("const char *const")] sbyte* name_expression, [NativeTypeName("const char **")] sbyte** lowered_name);
}
