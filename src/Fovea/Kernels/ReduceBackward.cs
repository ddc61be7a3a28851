using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The gradient of <see cref="Reduce"/> from its input and its result y: dy, of y's shape, to dx, of x's. Max and
    /// min share dy evenly between equal extremes; L2 and log-sum-exp of terms whose result is 0 or -inf have the gradient 0;
    /// products are refused. Deterministic.</summary>
    public static void ReduceBackward(DeviceStream stream, in ReduceOptions options, DeviceTensor x, DeviceTensor y, DeviceTensor dy, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "reduce_backward", x, y, dy, dx);
        fixed (fovea_tensor* pX = x, pY = y, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_reduce_backward(&native, pX, pY, pDy, pDx, call.Stream));
    }
}
