using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y[i][j] = overlap of a[i] and b[j]. a [N][4] and b [M][4] as x1 y1 x2 y2, y [N][M]. A box without area gives 0 where the
    /// formula has no value.</summary>
    public static void BoxOverlaps(DeviceStream stream, DeviceTensor a, DeviceTensor b, DeviceTensor y, Overlap overlap = Overlap.Union, bool plusOne = false)
    {
        using var call = new KernelCall(stream, "box_overlaps", a, b, y);
        fixed (fovea_tensor* pA = a, pB = b, pY = y)
            call.Check(NativeMethods.fovea_box_overlaps((int)overlap, plusOne ? 1 : 0, pA, pB, pY, call.Stream));
    }
}
