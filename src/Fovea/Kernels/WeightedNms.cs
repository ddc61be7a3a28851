using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Suppression whose results are new boxes: the means of groups, weighted by score, see <see cref="WeightedNmsMethod"/>. rows
    /// [N][C], C &gt;= 4: a box, then what is averaged with it (landmarks); scores [N] or [N][1], classes Int32 [N] or null, valid Int32 [1]
    /// or null. y [K][C], yScores [K], yClasses Int32 [K] (null exactly when classes is): groups by score descending, then by the index of
    /// their first box, the rest 0 and -1; count Int32 [1]. Means are taken in double precision in a fixed order: every backend has the same
    /// groups. Where the weights of a group have no positive finite sum, its best box stands for it.</summary>
    public static void WeightedNms(DeviceStream stream, in WeightedNmsOptions options, DeviceTensor rows, DeviceTensor scores,
        DeviceTensor? classes, DeviceTensor? valid, DeviceTensor y, DeviceTensor yScores, DeviceTensor? yClasses, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "weighted_nms", rows, scores, classes, valid, y, yScores, yClasses, count);
        fixed (fovea_tensor* pRows = rows, pScores = scores, pClasses = classes, pValid = valid, pY = y, pYScores = yScores, pYClasses = yClasses, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_weighted_nms_workspace(&native, pRows, &bytes), "weighted_nms");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_weighted_nms(&native, pRows, pScores, pClasses, pValid, pY, pYScores, pYClasses, pCount, &scratch, call.Stream));
        }
    }
}
