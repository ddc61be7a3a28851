using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="Attention"/> (Dao, "FlashAttention-2", 2023, algorithm 2) from its inputs, its o and lse, and the
    /// gradient of o. Probabilities are recomputed tile by tile, so memory stays linear in the length. dq, dk and dv have the shapes of
    /// q, k and v; keys behind keyLengths get 0. Deterministic, whatever the number of threads.</summary>
    public static void AttentionBackward(DeviceStream stream, in AttentionOptions options,
        DeviceTensor q, DeviceTensor k, DeviceTensor v, DeviceTensor? keyLengths, DeviceTensor o, DeviceTensor lse, DeviceTensor dOutput, DeviceTensor dq, DeviceTensor dk, DeviceTensor dv)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "attention_backward", q, k, v, keyLengths, o, lse, dOutput, dq, dk, dv);
        fixed (fovea_tensor* pQ = q, pK = k, pV = v, pKeyLengths = keyLengths, pO = o, pLse = lse, pDOutput = dOutput, pDq = dq, pDk = dk, pDv = dv)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_attention_backward_workspace(&native, pQ, pK, &bytes), "attention_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_attention_backward(&native, pQ, pK, pV, pKeyLengths, pO, pLse, pDOutput, pDq, pDk, pDv, &scratch, call.Stream));
        }
    }
}
