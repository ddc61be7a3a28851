using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = activation(x). slope: [C] with C the last dimension of x, PReLU only. In place allowed.</summary>
    public static void Activate(DeviceStream stream, Activation activation, DeviceTensor x, DeviceTensor? slope, DeviceTensor y)
    {
        var native = activation.ToNative();
        using var call = new KernelCall(stream, "activate", x, slope, y);
        fixed (fovea_tensor* pX = x, pSlope = slope, pY = y)
            call.Check(NativeMethods.fovea_activate(&native, pX, pSlope, pY, call.Stream));
    }
}
