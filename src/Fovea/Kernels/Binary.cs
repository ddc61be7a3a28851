using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = a op b with NumPy broadcasting. In place allowed for an operand of y's shape.</summary>
    public static void Binary(DeviceStream stream, BinaryOp op, DeviceTensor a, DeviceTensor b, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "binary", a, b, y);
        fixed (fovea_tensor* pA = a, pB = b, pY = y)
            call.Check(NativeMethods.fovea_binary((int)op, pA, pB, pY, call.Stream));
    }
}
