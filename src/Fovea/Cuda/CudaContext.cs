using Fovea.Interop.Cuda;

namespace Fovea;

/// <summary>Makes a context current on this thread and allows what a capture elsewhere in the process would forbid; undone by
/// Dispose. Lives on the stack.</summary>
internal readonly unsafe ref struct CudaContext
{
    private readonly bool _pushed;
    private readonly CUstreamCaptureMode _before;

    public CudaContext(CUctx_st* context)
    {
        CUctx_st* current;
        CudaErrors.Check(CudaDriver.cuCtxGetCurrent(&current), "cuCtxGetCurrent");
        if (current != context)
        {
            CudaErrors.Check(CudaDriver.cuCtxPushCurrent_v2(context), "cuCtxPushCurrent");
            _pushed = true;
        }
        // Loading and unloading modules may allocate, which is safe: nothing that is being recorded depends on it.
        var mode = CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED;
        _ = CudaDriver.cuThreadExchangeStreamCaptureMode(&mode);
        _before = mode;
    }

    public void Dispose()
    {
        var mode = _before;
        _ = CudaDriver.cuThreadExchangeStreamCaptureMode(&mode);
        CUctx_st* popped;
        if (_pushed) _ = CudaDriver.cuCtxPopCurrent_v2(&popped);
    }
}
