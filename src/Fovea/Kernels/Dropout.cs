using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = x / (1 - rate) for the elements that stay, 0 for the others; rate in [0, 1). Element i stays when its number
    /// from Philox4x32-10 (Salmon et al., 2011) is at least the rate: word i % 4 of the block with counter
    /// (offset + i / 4, sequence) and key seed. state: Int64 [2] on the device = seed, offset; it is read when the kernel runs,
    /// so a replayed graph follows it, and it is not written. sequence tells the dropouts of a model apart. The same call on dy
    /// gives dx. In place allowed. The same numbers on every backend.</summary>
    public static void Dropout(DeviceStream stream, float rate, long sequence, DeviceTensor state, DeviceTensor x, DeviceTensor y)
    {
        var native = new fovea_dropout_params { rate = rate, sequence = sequence };
        using var call = new KernelCall(stream, "dropout", state, x, y);
        fixed (fovea_tensor* pState = state, pX = x, pY = y)
            call.Check(NativeMethods.fovea_dropout(&native, pState, pX, pY, call.Stream));
    }
}
