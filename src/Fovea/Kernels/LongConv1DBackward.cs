using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="LongConv1D"/> by x, kernel and skip. Gradients that are null are not computed, that of an
    /// absent skip must be null. Sums over batch and time run in a fixed order.</summary>
    public static void LongConv1DBackward(DeviceStream stream, DeviceTensor x, DeviceTensor kernel, DeviceTensor? skip, DeviceTensor dy,
        DeviceTensor? dx, DeviceTensor? dKernel, DeviceTensor? dSkip)
    {
        using var call = new KernelCall(stream, "long_conv1d_backward", x, kernel, skip, dy, dx, dKernel, dSkip);
        fixed (fovea_tensor* pX = x, pKernel = kernel, pSkip = skip, pDy = dy, pDx = dx, pDKernel = dKernel, pDSkip = dSkip)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_long_conv1d_backward_workspace(pX, pKernel, &bytes), "long_conv1d_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_long_conv1d_backward(pX, pKernel, pSkip, pDy, pDx, pDKernel, pDSkip, &scratch, call.Stream));
        }
    }
}
