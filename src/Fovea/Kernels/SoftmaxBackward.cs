using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The gradient of <see cref="Softmax"/> from its result y: dx = y * (dy - sum(dy * y)), for log-softmax
    /// dx = dy - exp(y) * sum(dy), along the same dimension. In place allowed: dx may be dy. Deterministic.</summary>
    public static void SoftmaxBackward(DeviceStream stream, in SoftmaxOptions options, DeviceTensor y, DeviceTensor dy, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "softmax_backward", y, dy, dx);
        fixed (fovea_tensor* pY = y, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_softmax_backward(&native, pY, pDy, pDx, call.Stream));
    }
}
