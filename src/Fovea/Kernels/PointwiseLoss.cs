using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>losses = loss(x, target) of each element; all Float32 of one shape. Losses of logits keep their digits where sigmoid(x)
    /// is near 0 or 1; every finite logit gives a finite loss, a NaN gives NaN.</summary>
    public static void PointwiseLoss(DeviceStream stream, in PointwiseLossOptions options, DeviceTensor x, DeviceTensor target, DeviceTensor losses)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "pointwise_loss", x, target, losses);
        fixed (fovea_tensor* pX = x, pTarget = target, pLosses = losses)
            call.Check(NativeMethods.fovea_pointwise_loss(&native, pX, pTarget, pLosses, call.Stream));
    }

    /// <summary>The gradient of <see cref="PointwiseLoss"/> by x: dx = dLosses * loss'(x). 0 at kinks (L1 where x is the target). In
    /// place allowed: dx may be x.</summary>
    public static void PointwiseLossBackward(DeviceStream stream, in PointwiseLossOptions options, DeviceTensor x, DeviceTensor target,
        DeviceTensor dLosses, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "pointwise_loss_backward", x, target, dLosses, dx);
        fixed (fovea_tensor* pX = x, pTarget = target, pDLosses = dLosses, pDx = dx)
            call.Check(NativeMethods.fovea_pointwise_loss_backward(&native, pX, pTarget, pDLosses, pDx, call.Stream));
    }
}
