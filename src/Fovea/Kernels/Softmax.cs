using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Softmax or log-softmax along one dimension. In place allowed. A row of -inf gives NaN, as the formula
    /// does.</summary>
    public static void Softmax(DeviceStream stream, in SoftmaxOptions options, DeviceTensor x, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "softmax", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_softmax(&native, pX, pY, call.Stream));
    }
}
