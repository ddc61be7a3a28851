using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradient of <see cref="Pool2D"/>: dx [N][H][W][C] from dy, of the shape of its y. Maximum: dy goes to the first (row,
    /// then column) of the largest values of a window, found again in x; a NaN counts as largest. Average: x is not read and may be
    /// null. Windows that overlap add up in ascending order.</summary>
    public static void Pool2DBackward(DeviceStream stream, in Pool2DOptions options, DeviceTensor? x, DeviceTensor dy, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "pool2d_backward", x, dy, dx);
        fixed (fovea_tensor* pX = x, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_pool2d_backward(&native, pX, pDy, pDx, call.Stream));
    }

    /// <summary>Gradient of <see cref="AdaptivePool2D"/>; x, dy and dx as for <see cref="Pool2DBackward"/>.</summary>
    public static void AdaptivePool2DBackward(DeviceStream stream, PoolMode mode, DeviceTensor? x, DeviceTensor dy, DeviceTensor dx)
    {
        using var call = new KernelCall(stream, "adaptive_pool2d_backward", x, dy, dx);
        fixed (fovea_tensor* pX = x, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_adaptive_pool2d_backward((int)mode, pX, pDy, pDx, call.Stream));
    }
}
