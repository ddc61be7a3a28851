using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Grows each box to a square about its centre; truncate moves corners toward zero. boxes and y: [R][4]. In place
    /// allowed.</summary>
    public static void BoxSquare(DeviceStream stream, bool truncate, DeviceTensor boxes, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "box_square", boxes, y);
        fixed (fovea_tensor* pBoxes = boxes, pY = y)
            call.Check(NativeMethods.fovea_box_square(truncate ? 1 : 0, pBoxes, pY, call.Stream));
    }
}
