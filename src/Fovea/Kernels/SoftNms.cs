using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Suppression that lowers scores: soft, matrix, fast and cluster variants, see <see cref="SoftNmsMethod"/>. boxes [N][4], scores [N] or
    /// [N][1], classes Int32 [N] or null, valid Int32 [1] or null; keep Int32 [K] and keepScores [K] by lowered score descending, ties by
    /// index, the rest -1 and 0; count Int32 [1].</summary>
    public static void SoftNms(DeviceStream stream, in SoftNmsOptions options,
        DeviceTensor boxes, DeviceTensor scores, DeviceTensor? classes, DeviceTensor? valid, DeviceTensor keep, DeviceTensor keepScores, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "soft_nms", boxes, scores, classes, valid, keep, keepScores, count);
        fixed (fovea_tensor* pBoxes = boxes, pScores = scores, pClasses = classes, pValid = valid, pKeep = keep, pKeepScores = keepScores, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_soft_nms_workspace(&native, pBoxes, &bytes), "soft_nms");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_soft_nms(&native, pBoxes, pScores, pClasses, pValid, pKeep, pKeepScores, pCount, &scratch, call.Stream));
        }
    }
}
