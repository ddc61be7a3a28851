using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="DiagonalScan"/> by x, a and the state. Of x only the shape is used: any tensor of that shape will
    /// do, y for example. initialState is what the state held before the forward call, or null; dFinalState [B][D] the gradient of what
    /// that call left there, or null. The gradient of a complex number is (d/d re, d/d im). Gradients that are null are not computed,
    /// that of an absent state must be null. The gradient of a constant a sums over batch and time in a fixed order.</summary>
    public static void DiagonalScanBackward(DeviceStream stream, in DiagonalScanOptions options,
        DeviceTensor x, DeviceTensor a, DeviceTensor? initialState, DeviceTensor y, DeviceTensor dy, DeviceTensor? dFinalState,
        DeviceTensor? dx, DeviceTensor? dA, DeviceTensor? dInitialState)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "diagonal_scan_backward", x, a, initialState, y, dy, dFinalState, dx, dA, dInitialState);
        fixed (fovea_tensor* pX = x, pA = a, pInitial = initialState, pY = y, pDy = dy, pDFinal = dFinalState)
        fixed (fovea_tensor* pDx = dx, pDA = dA, pDInitial = dInitialState)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_diagonal_scan_backward_workspace(&native, pX, &bytes), "diagonal_scan_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_diagonal_scan_backward(&native, pX, pA, pInitial, pY, pDy, pDFinal, pDx, pDA, pDInitial, &scratch, call.Stream));
        }
    }
}
