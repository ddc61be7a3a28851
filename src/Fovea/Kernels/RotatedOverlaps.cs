using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y[i][j] = IoU of the turned boxes a[i] and b[j]. a [N][5] and b [M][5] as centre x, centre y, width, height, and angle in
    /// radians from x towards y; y [N][M], all Float32. The area of the intersection is exact but for rounding. Boxes without area or
    /// with NaN have the overlap 0.</summary>
    public static void RotatedOverlaps(DeviceStream stream, DeviceTensor a, DeviceTensor b, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "rotated_overlaps", a, b, y);
        fixed (fovea_tensor* pA = a, pB = b, pY = y)
            call.Check(NativeMethods.fovea_rotated_overlaps(pA, pB, pY, call.Stream));
    }
}
