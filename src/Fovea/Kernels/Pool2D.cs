using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Maximum or average over windows. x [N][H][W][C], y as <see cref="Pool2DOptions.OutputSize"/> says.</summary>
    public static void Pool2D(DeviceStream stream, in Pool2DOptions options, DeviceTensor x, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "pool2d", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_pool2d(&native, pX, pY, call.Stream));
    }

    /// <summary>Pools into as many bins as y has: bin (i, j) covers rows floor(i*H/oh) .. ceil((i+1)*H/oh). 1x1 is global
    /// pooling.</summary>
    public static void AdaptivePool2D(DeviceStream stream, PoolMode mode, DeviceTensor x, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "adaptive_pool2d", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_adaptive_pool2d((int)mode, pX, pY, call.Stream));
    }
}
