using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="GroupNorm"/> (Wu and He, 2018) for x [N][..][C] from the gradient dy of its y. Mean and variance
    /// are computed again. dx has x's shape, dgamma and dbeta are [C]; those that are null are not computed. Deterministic, whatever
    /// the number of threads.</summary>
    public static void GroupNormBackward(DeviceStream stream, in GroupNormOptions options,
        DeviceTensor x, DeviceTensor? gamma, DeviceTensor dy, DeviceTensor? dx, DeviceTensor? dgamma, DeviceTensor? dbeta)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "group_norm_backward", x, gamma, dy, dx, dgamma, dbeta);
        fixed (fovea_tensor* pX = x, pGamma = gamma, pDy = dy, pDx = dx, pDgamma = dgamma, pDbeta = dbeta)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_group_norm_backward_workspace(&native, pX, &bytes), "group_norm_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_group_norm_backward(&native, pX, pGamma, pDy, pDx, pDgamma, pDbeta, &scratch, call.Stream));
        }
    }
}
