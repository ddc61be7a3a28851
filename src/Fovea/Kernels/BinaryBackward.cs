using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The gradients of <see cref="Binary"/>. a and b broadcast to dy's shape; da and db have dy's shape: what
    /// broadcasting repeated is for the caller to sum (<see cref="Reduce"/>). Either may be null. Equal operands of max and min
    /// get half of dy each; a power's db is 0 where a is 0. Deterministic.</summary>
    public static void BinaryBackward(DeviceStream stream, BinaryOp op, DeviceTensor a, DeviceTensor b, DeviceTensor dy, DeviceTensor? da, DeviceTensor? db)
    {
        using var call = new KernelCall(stream, "binary_backward", a, b, dy, da, db);
        fixed (fovea_tensor* pA = a, pB = b, pDy = dy, pDa = da, pDb = db)
            call.Check(NativeMethods.fovea_binary_backward((int)op, pA, pB, pDy, pDa, pDb, call.Stream));
    }
}
