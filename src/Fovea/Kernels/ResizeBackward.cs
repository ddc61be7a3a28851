using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradient of <see cref="Resize"/> from Float32 to Float32 in every mode, its transpose: dy [N][h][w][C] to
    /// dx [N][H][W][C]. Deterministic, whatever the number of threads.</summary>
    public static void ResizeBackward(DeviceStream stream, in ResizeOptions options, DeviceTensor dy, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "resize_backward", dy, dx);
        fixed (fovea_tensor* pDy = dy, pDx = dx)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_resize_backward_workspace(&native, pDy, pDx, &bytes), "resize_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_resize_backward(&native, pDy, pDx, &scratch, call.Stream));
        }
    }
}
