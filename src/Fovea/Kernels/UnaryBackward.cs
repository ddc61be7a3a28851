using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The gradient of <see cref="Unary(DeviceStream, UnaryOp, DeviceTensor, DeviceTensor)"/> from its input:
    /// dx = dy * op'(x); the derivative is 0 for the operations that are constant almost everywhere and for the magnitude at 0.
    /// In place allowed: dx may be dy. For <see cref="UnaryOp.Affine"/> see <see cref="AffineBackward"/>.</summary>
    public static void UnaryBackward(DeviceStream stream, UnaryOp op, DeviceTensor x, DeviceTensor dy, DeviceTensor dx) =>
        UnaryBackward(stream, op, 1, x, dy, dx);

    /// <summary>The gradient of <see cref="Affine"/>: dx = alpha * dy. In place allowed: dx may be dy.</summary>
    public static void AffineBackward(DeviceStream stream, float alpha, DeviceTensor x, DeviceTensor dy, DeviceTensor dx) =>
        UnaryBackward(stream, UnaryOp.Affine, alpha, x, dy, dx);

    private static void UnaryBackward(DeviceStream stream, UnaryOp op, float alpha, DeviceTensor x, DeviceTensor dy, DeviceTensor dx)
    {
        var native = new fovea_unary_params { op = (int)op, alpha = alpha };
        using var call = new KernelCall(stream, "unary_backward", x, dy, dx);
        fixed (fovea_tensor* pX = x, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_unary_backward(&native, pX, pDy, pDx, call.Stream));
    }
}
