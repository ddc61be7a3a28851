using System.Diagnostics;
using System.Runtime.InteropServices;
using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>Answers of the driver and of NVRTC as exceptions of this library.</summary>
[StackTraceHidden]
internal static unsafe class CudaErrors
{
    /// <summary>Throws unless <paramref name="result"/> is success.</summary>
    /// <param name="result">What the driver answered.</param>
    /// <param name="call">The function of the driver.</param>
    /// <param name="detail">What else is known, such as a log.</param>
    public static void Check(CUresult result, string call, string? detail = null)
    {
        if (result != CUresult.CUDA_SUCCESS) throw Of(result, call, detail);
    }

    public static void Check(nvrtcResult result, string call, string? detail = null)
    {
        if (result != nvrtcResult.NVRTC_SUCCESS) throw Of(result, call, detail);
    }

    public static Exception Of(CUresult result, string call, string? detail)
    {
        sbyte* text = null;
        if (CudaLibraries.Driver.LoadedPath is not null) _ = CudaDriver.cuGetErrorString(result, &text);
        var described = text == null ? "" : $" ({Marshal.PtrToStringUTF8((nint)text)})";
        var message = $"{call}: {result}{described}" + Tail(detail);
        var status = StatusOf(result);
        return status == Status.InvalidState ? new InvalidOperationException(message) : new DeviceException(status, call, message);
    }

    public static DeviceException Of(nvrtcResult result, string call, string? detail) =>
        new(result switch
        {
            nvrtcResult.NVRTC_ERROR_OUT_OF_MEMORY => Status.OutOfMemory,
            nvrtcResult.NVRTC_ERROR_INVALID_INPUT or nvrtcResult.NVRTC_ERROR_INVALID_OPTION or nvrtcResult.NVRTC_ERROR_COMPILATION or
                nvrtcResult.NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID => Status.InvalidArgument,
            _ => Status.Internal,
        }, call, $"{call}: {result}" + Tail(detail));

    public static Status StatusOf(CUresult result) => result switch
    {
        CUresult.CUDA_SUCCESS => Status.Ok,
        CUresult.CUDA_ERROR_OUT_OF_MEMORY => Status.OutOfMemory,
        CUresult.CUDA_ERROR_INVALID_VALUE or CUresult.CUDA_ERROR_INVALID_PTX or CUresult.CUDA_ERROR_INVALID_IMAGE or
            CUresult.CUDA_ERROR_INVALID_SOURCE or CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES => Status.InvalidArgument,
        CUresult.CUDA_ERROR_NOT_FOUND or CUresult.CUDA_ERROR_NO_DEVICE or CUresult.CUDA_ERROR_INVALID_DEVICE => Status.NotFound,
        CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU or CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION or
            CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND or CUresult.CUDA_ERROR_NOT_SUPPORTED => Status.Unsupported,
        CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED or CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED or
            CUresult.CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD or CUresult.CUDA_ERROR_STREAM_CAPTURE_UNJOINED => Status.InvalidState,
        // What a context does not survive.
        CUresult.CUDA_ERROR_ILLEGAL_ADDRESS or CUresult.CUDA_ERROR_LAUNCH_FAILED or CUresult.CUDA_ERROR_LAUNCH_TIMEOUT or
            CUresult.CUDA_ERROR_ASSERT or CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR or CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION or
            CUresult.CUDA_ERROR_MISALIGNED_ADDRESS or CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE or CUresult.CUDA_ERROR_INVALID_PC or
            CUresult.CUDA_ERROR_ECC_UNCORRECTABLE or CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE or
            CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE => Status.DeviceLost,
        _ => Status.Internal,
    };

    private static string Tail(string? detail) => string.IsNullOrWhiteSpace(detail) ? "" : ":\n" + detail.Trim();
}
