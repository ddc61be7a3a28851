using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Attention over sequences of different lengths packed without padding: q, o [Tq][H][D], k, v [Tk][G][D]; the offsets,
    /// Int32 [B+1] ascending from 0, name the rows of each sequence and are read when the kernel runs. lse: [H][Tq] or null.</summary>
    public static void AttentionRagged(DeviceStream stream, in AttentionOptions options,
        DeviceTensor q, DeviceTensor k, DeviceTensor v, DeviceTensor queryOffsets, DeviceTensor keyOffsets, DeviceTensor o, DeviceTensor? lse)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "attention_ragged", q, k, v, queryOffsets, keyOffsets, o, lse);
        fixed (fovea_tensor* pQ = q, pK = k, pV = v, pQueryOffsets = queryOffsets, pKeyOffsets = keyOffsets, pO = o, pLse = lse)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_attention_ragged_workspace(&native, pQ, pK, queryOffsets.Shape[0] - 1, &bytes), "attention_ragged");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_attention_ragged(&native, pQ, pK, pV, pQueryOffsets, pKeyOffsets, pO, pLse, &scratch, call.Stream));
        }
    }
}
