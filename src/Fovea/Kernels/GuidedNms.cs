using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>IoU-guided suppression (Jiang et al., "IoU-Net", 2018): the box with the best localisation stays, takes the highest score of
    /// the boxes that overlap it, and removes them. boxes [N][4], scores and localisation (any measure of how well a box fits) [N] or
    /// [N][1], classes Int32 [N] or null, valid Int32 [1] or null; keep Int32 [K] and keepScores [K] by score descending, ties by index, the
    /// rest -1 and 0; count Int32 [1]. Boxes whose score or localisation is NaN, or whose localisation is -infinity, take no part.</summary>
    public static void GuidedNms(DeviceStream stream, in GuidedNmsOptions options, DeviceTensor boxes, DeviceTensor scores,
        DeviceTensor localisation, DeviceTensor? classes, DeviceTensor? valid, DeviceTensor keep, DeviceTensor keepScores, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "guided_nms", boxes, scores, localisation, classes, valid, keep, keepScores, count);
        fixed (fovea_tensor* pBoxes = boxes, pScores = scores, pLocalisation = localisation, pClasses = classes, pValid = valid, pKeep = keep, pKeepScores = keepScores, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_guided_nms_workspace(&native, pBoxes, &bytes), "guided_nms");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_guided_nms(&native, pBoxes, pScores, pLocalisation, pClasses, pValid, pKeep, pKeepScores, pCount, &scratch, call.Stream));
        }
    }
}
