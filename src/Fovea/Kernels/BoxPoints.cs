using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Box-relative points to image pixels. boxes [R][4], points [R][2P], y [R][2P] interleaved x, y. In place only
    /// when not planar.</summary>
    public static void BoxPoints(DeviceStream stream, in BoxPointsOptions options,
        DeviceTensor boxes, DeviceTensor points, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "box_points", boxes, points, y);
        fixed (fovea_tensor* pBoxes = boxes, pPoints = points, pY = y)
            call.Check(NativeMethods.fovea_box_points(&native, pBoxes, pPoints, pY, call.Stream));
    }
}
