using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = op(x). In place allowed. For <see cref="UnaryOp.Affine"/> see <see cref="Affine"/>.</summary>
    public static void Unary(DeviceStream stream, UnaryOp op, DeviceTensor x, DeviceTensor y) => Unary(stream, op, 1, 0, x, y);

    /// <summary>y = alpha*x + beta. In place allowed.</summary>
    public static void Affine(DeviceStream stream, float alpha, float beta, DeviceTensor x, DeviceTensor y) =>
        Unary(stream, UnaryOp.Affine, alpha, beta, x, y);

    private static void Unary(DeviceStream stream, UnaryOp op, float alpha, float beta, DeviceTensor x, DeviceTensor y)
    {
        var native = new fovea_unary_params { op = (int)op, alpha = alpha, beta = beta };
        using var call = new KernelCall(stream, "unary", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_unary(&native, pX, pY, call.Stream));
    }
}
