using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>One pass over a detector head: scores, threshold, top-k, and boxes of the survivors only. scores [N][C], objectness [N][1]
    /// or null, regression [N][4] ([N][4*bins] with bins), anchors [N][4], [N][3] or null as the box mode says; all may be column views.
    /// rows [capacity][6] = x1 y1 x2 y2 score class, appended behind the count rows that are there; count Int32 [1] is raised. Levels of a
    /// pyramid are one call each. Order inside a call: score descending, then row, then class.</summary>
    public static void DecodeBoxes(DeviceStream stream, in DecodeOptions options,
        DeviceTensor scores, DeviceTensor? objectness, DeviceTensor regression, DeviceTensor? anchors, DeviceTensor rows, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "decode_boxes", scores, objectness, regression, anchors, rows, count);
        fixed (fovea_tensor* pScores = scores, pObjectness = objectness, pRegression = regression, pAnchors = anchors, pRows = rows, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_decode_boxes_workspace(&native, pScores, &bytes), "decode_boxes");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_decode_boxes(&native, pScores, pObjectness, pRegression, pAnchors, pRows, pCount, &scratch, call.Stream));
        }
    }
}
