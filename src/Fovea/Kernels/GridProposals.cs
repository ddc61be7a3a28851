using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Cells of a dense score map that pass the threshold become boxes, best first, equal scores by cell index. score
    /// [H][W][1], deltas [H][W][4] or null, rows [capacity][5] = x1 y1 x2 y2 score, or [capacity][9] with the deltas behind;
    /// count Int32 [1] is set.</summary>
    public static void GridProposals(DeviceStream stream, in GridProposalsOptions options,
        DeviceTensor score, DeviceTensor? deltas, DeviceTensor rows, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "grid_proposals", score, deltas, rows, count);
        fixed (fovea_tensor* pScore = score, pDeltas = deltas, pRows = rows, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_grid_proposals_workspace(&native, pScore, &bytes), "grid_proposals");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_grid_proposals(&native, pScore, pDeltas, pRows, pCount, &scratch, call.Stream));
        }
    }
}
