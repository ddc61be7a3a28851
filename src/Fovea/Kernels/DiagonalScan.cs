using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>A diagonal linear recurrence, the core of LRU, S4D and RG-LRU: y[t][d] = a[t][d] * y[t-1][d] + x[t][d]. x and y
    /// [B][L][D]; a [D] (constant) or [B][L][D]; state [B][D] is y before the first step, replaced by the last y; null stands for zeros.
    /// One step of streaming inference is L = 1 with a state. On the CPU cutting a sequence changes no bits; a GPU joins pieces of long
    /// sequences by their products of a, with rounding. Not in place.</summary>
    public static void DiagonalScan(DeviceStream stream, in DiagonalScanOptions options,
        DeviceTensor x, DeviceTensor a, DeviceTensor? state, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "diagonal_scan", x, a, state, y);
        fixed (fovea_tensor* pX = x, pA = a, pState = state, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_diagonal_scan_workspace(&native, pX, &bytes), "diagonal_scan");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_diagonal_scan(&native, pX, pA, pState, pY, &scratch, call.Stream));
        }
    }
}
