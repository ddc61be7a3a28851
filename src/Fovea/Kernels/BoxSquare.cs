using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Grows each box to a square about its centre; boxes and y: [R][4]. In place allowed. With
    /// <see cref="Rounding.Nearest"/> the first corner and the side are rounded, so the result stays square.</summary>
    public static void BoxSquare(DeviceStream stream, Rounding rounding, DeviceTensor boxes, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "box_square", boxes, y);
        fixed (fovea_tensor* pBoxes = boxes, pY = y)
            call.Check(NativeMethods.fovea_box_square((int)rounding, pBoxes, pY, call.Stream));
    }
}
