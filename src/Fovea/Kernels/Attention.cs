using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>o = softmax(scale * q k^T + mask) v, without storing anything of the size Lq x Lk. q, o [B][Lq][H][D];
    /// k, v [B][Lk][G][D], H a multiple of G: head h reads group h / (H/G). D is at most 256. keyLengths: Int32 [B], the keys
    /// that count per batch entry (a cache filled so far, or ragged sequences), clamped to [0, Lk], or null for Lk; nothing
    /// behind them is read. lse: [B][H][Lq], the logarithm of the softmax denominator, or null. A query that sees no key gives
    /// zeros and an lse of -inf. A live count of q limits the batch entries. One query per entry (Lq = 1) is how a key and
    /// value cache is decoded.</summary>
    public static void Attention(DeviceStream stream, in AttentionOptions options,
        DeviceTensor q, DeviceTensor k, DeviceTensor v, DeviceTensor? keyLengths, DeviceTensor o, DeviceTensor? lse)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "attention", q, k, v, keyLengths, o, lse);
        fixed (fovea_tensor* pQ = q, pK = k, pV = v, pKeyLengths = keyLengths, pO = o, pLse = lse)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_attention_workspace(&native, pQ, pK, &bytes), "attention");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_attention(&native, pQ, pK, pV, pKeyLengths, pO, pLse, &scratch, call.Stream));
        }
    }
}
