using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Resamples x [N][H][W][C] to the size of y [N][h][w][C]: UInt8 to UInt8 (rounded once, halves to even), UInt8 to
    /// Float32, Float32 to Float32.</summary>
    public static void Resize(DeviceStream stream, in ResizeOptions options, DeviceTensor x, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "resize", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_resize_workspace(&native, pX, pY, &bytes), "resize");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_resize(&native, pX, pY, &scratch, call.Stream));
        }
    }
}
