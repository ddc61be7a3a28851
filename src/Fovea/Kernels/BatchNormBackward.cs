using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="BatchNorm"/> (Ioffe and Szegedy, 2015) without a fused activation, from the gradient dy of its y.
    /// mean and rstd [C] are the forward call's savedMean and savedRstd; without <see cref="BatchNormOptions.Training"/> they are
    /// constants (frozen statistics). dx has x's shape, dgamma and dbeta are [C]; those that are null are not computed.
    /// Deterministic, whatever the number of threads.</summary>
    public static void BatchNormBackward(DeviceStream stream, in BatchNormOptions options,
        DeviceTensor x, DeviceTensor? gamma, DeviceTensor mean, DeviceTensor rstd, DeviceTensor dy, DeviceTensor? dx, DeviceTensor? dgamma, DeviceTensor? dbeta)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "batch_norm_backward", x, gamma, mean, rstd, dy, dx, dgamma, dbeta);
        fixed (fovea_tensor* pX = x, pGamma = gamma, pMean = mean, pRstd = rstd, pDy = dy, pDx = dx, pDgamma = dgamma, pDbeta = dbeta)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_batch_norm_backward_workspace(&native, pX, &bytes), "batch_norm_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_batch_norm_backward(&native, pX, pGamma, pMean, pRstd, pDy, pDx, pDgamma, pDbeta, &scratch, call.Stream));
        }
    }
}
