using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Greedy non-maximum suppression. boxes [N][4] as x1 y1 x2 y2 with scores [N] or [N][1], classes Int32 [N] or
    /// null, keep Int32 [K], count Int32 [1]; or batched with a leading B. valid: Int32 [1] or [B], how many boxes take part,
    /// or null for all. keep lists indices by descending score, equal scores by ascending index; the rest is -1. Boxes of
    /// different classes never suppress each other; NaN scores are dropped.</summary>
    public static void Nms(DeviceStream stream, in NmsOptions options,
        DeviceTensor boxes, DeviceTensor scores, DeviceTensor? classes, DeviceTensor? valid, DeviceTensor keep, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "nms", boxes, scores, classes, valid, keep, count);
        fixed (fovea_tensor* pBoxes = boxes, pScores = scores, pClasses = classes, pValid = valid, pKeep = keep, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_nms_workspace(&native, pBoxes, &bytes), "nms");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_nms(&native, pBoxes, pScores, pClasses, pValid, pKeep, pCount, &scratch, call.Stream));
        }
    }
}
