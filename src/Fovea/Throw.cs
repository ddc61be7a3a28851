using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>Throws kept out of line, so that the code around them stays small.</summary>
[StackTraceHidden]
internal static class Throw
{
    /// <summary>Must follow the failing call on the same thread with no other native call between: the message is
    /// thread-local.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void IfFailed(fovea_status status, string operation)
    {
        if (status != fovea_status.FOVEA_OK) Failed(status, operation);
    }

    [DoesNotReturn]
    private static void Failed(fovea_status status, string operation)
    {
        var message = LastError();
        // .NET code expects InvalidOperationException for "right call, wrong moment".
        throw status == fovea_status.FOVEA_INVALID_STATE
            ? new InvalidOperationException(message)
            : new DeviceException((Status)status, operation, message);
    }

    public static unsafe string LastError() =>
        Marshal.PtrToStringUTF8((nint)NativeMethods.fovea_last_error()) ?? "no message";

    [DoesNotReturn]
    public static void TensorDisposed() =>
        throw new ObjectDisposedException(nameof(DeviceTensor), "The tensor, the tensor it is a view of, or the graph it belongs to was disposed.");

    [DoesNotReturn]
    public static void Capturing(string what) =>
        throw new InvalidOperationException($"{what} is not allowed while the stream is capturing: host memory may move before the graph is replayed.");
}
