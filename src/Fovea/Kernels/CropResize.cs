using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>One resampled crop per box: x [N][H][W][C] UInt8 or Float32, boxes [R][4] as x1 y1 x2 y2 (live rows),
    /// batchIndex Int32 [R] or null for image 0, y [R][h][w][C]. Empty and non-finite boxes give padding.</summary>
    public static void CropResize(DeviceStream stream, in CropResizeOptions options,
        DeviceTensor x, DeviceTensor boxes, DeviceTensor? batchIndex, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "crop_resize", x, boxes, batchIndex, y);
        fixed (fovea_tensor* pX = x, pBoxes = boxes, pBatchIndex = batchIndex, pY = y)
            call.Check(NativeMethods.fovea_crop_resize(&native, pX, pBoxes, pBatchIndex, pY, call.Stream));
    }
}
