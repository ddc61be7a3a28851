using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Reduces dimensions of x. y has the reduced dimensions as 1 or without them.</summary>
    public static void Reduce(DeviceStream stream, in ReduceOptions options, DeviceTensor x, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "reduce", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_reduce(&native, pX, pY, call.Stream));
    }
}
