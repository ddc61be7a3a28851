using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Pools boxes of feature maps to a fixed size: x [N][H][W][C], boxes Float32 [R][4] as x1 y1 x2 y2 (live rows), images
    /// Int32 or Int64 [R], which map a box lies on, or null for map 0, y [R][h][w][C]. A box of no map, or with a corner that is not
    /// finite, gives zeros. A bin has at most 1024 samples per axis.</summary>
    public static void RoiAlign(DeviceStream stream, in RoiAlignOptions options,
        DeviceTensor x, DeviceTensor boxes, DeviceTensor? images, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "roi_align", x, boxes, images, y);
        fixed (fovea_tensor* pX = x, pBoxes = boxes, pImages = images, pY = y)
            call.Check(NativeMethods.fovea_roi_align(&native, pX, pBoxes, pImages, pY, call.Stream));
    }

    /// <summary>The gradient of <see cref="RoiAlign"/> by x: dy [R][h][w][C] to dx [N][H][W][C], which is written whole; boxes get no
    /// gradient. x is needed by the maxima only: their dy goes to the cell whose value was taken, the first on ties. Boxes add up in
    /// their order: deterministic, whatever the number of threads.</summary>
    public static void RoiAlignBackward(DeviceStream stream, in RoiAlignOptions options,
        DeviceTensor? x, DeviceTensor boxes, DeviceTensor? images, DeviceTensor dy, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "roi_align_backward", x, boxes, images, dy, dx);
        fixed (fovea_tensor* pX = x, pBoxes = boxes, pImages = images, pDy = dy, pDx = dx)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_roi_align_backward_workspace(&native, pDy, pDx, &bytes), "roi_align_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_roi_align_backward(&native, pX, pBoxes, pImages, pDy, pDx, &scratch, call.Stream));
        }
    }
}
