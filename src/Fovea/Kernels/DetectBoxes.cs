using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary><see cref="DecodeBoxes"/> of a whole head followed by greedy suppression: detections [K][6] = x1 y1 x2 y2 score class, best
    /// first; count Int32 [1] is set.</summary>
    public static void DetectBoxes(DeviceStream stream, in DecodeOptions decode, in NmsOptions nms,
        DeviceTensor scores, DeviceTensor? objectness, DeviceTensor regression, DeviceTensor? anchors, DeviceTensor detections, DeviceTensor count)
    {
        var nativeDecode = decode.ToNative();
        var nativeNms = nms.ToNative();
        using var call = new KernelCall(stream, "detect_boxes", scores, objectness, regression, anchors, detections, count);
        fixed (fovea_tensor* pScores = scores, pObjectness = objectness, pRegression = regression, pAnchors = anchors, pDetections = detections, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_detect_boxes_workspace(&nativeDecode, &nativeNms, pScores, &bytes), "detect_boxes");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_detect_boxes(&nativeDecode, &nativeNms, pScores, pObjectness, pRegression, pAnchors, pDetections, pCount, &scratch, call.Stream));
        }
    }
}
