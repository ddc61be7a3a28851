namespace Fovea.Interop.Cuda;

[NativeTypeName("unsigned int")]
public enum CUstreamCaptureMode : uint
{
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0,
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
    CU_STREAM_CAPTURE_MODE_RELAXED = 2,
}
