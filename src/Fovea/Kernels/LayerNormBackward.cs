using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="LayerNorm"/> (Ba, Kiros and Hinton, 2016; RMS: Zhang and Sennrich, 2019) from the gradient dy of
    /// its y. x is what was normalised: the sum where the forward call had a residual. Mean and variance are computed again. dx has x's
    /// shape, dgamma and dbeta are [C]; those that are null are not computed. Deterministic, whatever the number of threads.</summary>
    public static void LayerNormBackward(DeviceStream stream, in LayerNormOptions options,
        DeviceTensor x, DeviceTensor? gamma, DeviceTensor dy, DeviceTensor? dx, DeviceTensor? dgamma, DeviceTensor? dbeta)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "layer_norm_backward", x, gamma, dy, dx, dgamma, dbeta);
        fixed (fovea_tensor* pX = x, pGamma = gamma, pDy = dy, pDx = dx, pDgamma = dgamma, pDbeta = dbeta)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_layer_norm_backward_workspace(&native, pX, &bytes), "layer_norm_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_layer_norm_backward(&native, pX, pGamma, pDy, pDx, pDgamma, pDbeta, &scratch, call.Stream));
        }
    }
}
