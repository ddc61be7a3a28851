using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Causal linear attention with a scalar decay per head, in chunks (Sun et al., "Retentive Network", 2023; Dao and Gu,
    /// "Transformers are SSMs", 2024): S = exp(logDecay[t][h])*S + k[t][h] v[t][h]^T, o[t][h] = scale * q[t][h] S. q, k [B][L][G][D], v, o
    /// [B][L][H][P]; logDecay [H], [B][L][H] or null for none; state [B][H][D][P], read and replaced, or null for zeros. One step of
    /// streaming inference is L = 1 with a state.</summary>
    public static void LinearAttention(DeviceStream stream, in LinearAttentionOptions options,
        DeviceTensor q, DeviceTensor k, DeviceTensor v, DeviceTensor? logDecay, DeviceTensor? state, DeviceTensor o)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "linear_attention", q, k, v, logDecay, state, o);
        fixed (fovea_tensor* pQ = q, pK = k, pV = v, pLogDecay = logDecay, pState = state, pO = o)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_linear_attention_workspace(&native, pQ, pV, &bytes), "linear_attention");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_linear_attention(&native, pQ, pK, pV, pLogDecay, pState, pO, &scratch, call.Stream));
        }
    }
}
