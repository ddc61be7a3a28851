using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Resizes x into a part of y, fills the rest and normalises, in one pass. x UInt8 or Float32 [N][H][W][C], y
    /// Float32 [N][h][w][C], C at most 4.</summary>
    public static void Letterbox(DeviceStream stream, in LetterboxOptions options, DeviceTensor x, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "letterbox", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_letterbox_workspace(&native, pX, pY, &bytes), "letterbox");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_letterbox(&native, pX, pY, &scratch, call.Stream));
        }
    }
}
