using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>losses[n] = 1 - overlap of boxes[n] and targets[n]; Float32 [N][4] as x1 y1 x2 y2, corners in any order, and [N]. A box
    /// without area has the IoU 0; the other terms are as they are, and a quotient without a value is 0. Coordinates that are not
    /// finite give NaN.</summary>
    public static void BoxLoss(DeviceStream stream, in BoxLossOptions options, DeviceTensor boxes, DeviceTensor targets, DeviceTensor losses)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "box_loss", boxes, targets, losses);
        fixed (fovea_tensor* pBoxes = boxes, pTargets = targets, pLosses = losses)
            call.Check(NativeMethods.fovea_box_loss(&native, pBoxes, pTargets, pLosses, call.Stream));
    }

    /// <summary>The gradient of <see cref="BoxLoss"/> by the boxes: dLosses [N] to dBoxes [N][4]. Finite also for boxes without area;
    /// where edges of both boxes coincide, the mean of the slopes on both sides, as in PyTorch.</summary>
    public static void BoxLossBackward(DeviceStream stream, in BoxLossOptions options, DeviceTensor boxes, DeviceTensor targets,
        DeviceTensor dLosses, DeviceTensor dBoxes)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "box_loss_backward", boxes, targets, dLosses, dBoxes);
        fixed (fovea_tensor* pBoxes = boxes, pTargets = targets, pDLosses = dLosses, pDBoxes = dBoxes)
            call.Check(NativeMethods.fovea_box_loss_backward(&native, pBoxes, pTargets, pDLosses, pDBoxes, call.Stream));
    }
}
