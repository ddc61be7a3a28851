using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Corner pooling (Law and Deng, "CornerNet", 2018): running maxima of x [N][H][W][C] along rows or columns, to y of the
    /// same shape. CornerNet's top-left corner is the sum of <see cref="Corner.Top"/> and <see cref="Corner.Left"/> of two maps. In
    /// place allowed.</summary>
    public static void CornerPool(DeviceStream stream, Corner corner, DeviceTensor x, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "corner_pool", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_corner_pool((int)corner, pX, pY, call.Stream));
    }

    /// <summary>The gradient of <see cref="CornerPool"/>: dy goes to the element of x whose value was taken, on ties the one that is
    /// farthest from the corner's edge; dx is written whole. Not in place. Deterministic.</summary>
    public static void CornerPoolBackward(DeviceStream stream, Corner corner, DeviceTensor x, DeviceTensor dy, DeviceTensor dx)
    {
        using var call = new KernelCall(stream, "corner_pool_backward", x, dy, dx);
        fixed (fovea_tensor* pX = x, pDy = dy, pDx = dx)
            call.Check(NativeMethods.fovea_corner_pool_backward((int)corner, pX, pDy, pDx, call.Stream));
    }
}
