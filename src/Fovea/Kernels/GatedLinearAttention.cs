using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Causal linear attention whose decay is per key and which may rewrite its memory (Yang et al., "Gated Linear Attention
    /// Transformers with Hardware-Efficient Training", 2023; the mixers of RWKV-5, -6 and -7; the gated delta rule), per head with a
    /// memory S [D][P]: S = diag(exp(logDecay[t])) S + replacement[t] (removal[t]^T S before) + k[t] v[t]^T. o[t] = q[t] S, or with a
    /// bonus q[t] (S before + (bonus*k[t]) v[t]^T). D is at most 256. state [B][H][D][P], read and replaced, or null for zeros; o
    /// [B][L][H][P]. One step of streaming inference is L = 1 with a state, with the same bits as a longer call.</summary>
    public static void GatedLinearAttention(DeviceStream stream, in GatedLinearAttentionInputs inputs, DeviceTensor? state, DeviceTensor o)
    {
        var i = inputs;
        using var call = new KernelCall(stream, "gated_linear_attention", i.Q, i.K, i.V, i.LogDecay, i.Bonus, i.Removal, i.Replacement, state, o);
        fixed (fovea_tensor* pQ = i.Q, pK = i.K, pV = i.V, pLogDecay = i.LogDecay, pBonus = i.Bonus, pRemoval = i.Removal, pReplacement = i.Replacement)
        fixed (fovea_tensor* pState = state, pO = o)
        {
            var native = Native(pQ, pK, pV, pLogDecay, pBonus, pRemoval, pReplacement);
            call.Check(NativeMethods.fovea_gated_linear_attention(&native, pState, pO, call.Stream));
        }
    }

    /// <summary>Gradients of <see cref="GatedLinearAttention"/> from a zero memory. Memories are recomputed from checkpoints in the
    /// workspace. Gradients that are null are not computed, those of absent inputs must be null. Deterministic, whatever the number of
    /// threads.</summary>
    public static void GatedLinearAttentionBackward(DeviceStream stream, in GatedLinearAttentionInputs inputs, DeviceTensor dOutput,
        in GatedLinearAttentionGradients gradients)
    {
        var (i, g) = (inputs, gradients);
        // Fifteen tensors are two calls' worth of leases.
        using var call = new KernelCall(stream, "gated_linear_attention_backward", i.Q, i.K, i.V, i.LogDecay, i.Bonus, i.Removal, i.Replacement, dOutput);
        using var outputs = new KernelCall(stream, "gated_linear_attention_backward", g.Q, g.K, g.V, g.LogDecay, g.Bonus, g.Removal, g.Replacement);
        fixed (fovea_tensor* pQ = i.Q, pK = i.K, pV = i.V, pLogDecay = i.LogDecay, pBonus = i.Bonus, pRemoval = i.Removal, pReplacement = i.Replacement, pDOutput = dOutput)
        fixed (fovea_tensor* gQ = g.Q, gK = g.K, gV = g.V, gLogDecay = g.LogDecay, gBonus = g.Bonus, gRemoval = g.Removal, gReplacement = g.Replacement)
        {
            var native = Native(pQ, pK, pV, pLogDecay, pBonus, pRemoval, pReplacement);
            var results = new fovea_gated_linear_attention_gradients
            {
                dq = gQ,
                dk = gK,
                dv = gV,
                d_log_decay = gLogDecay,
                d_bonus = gBonus,
                d_removal = gRemoval,
                d_replacement = gReplacement,
            };
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_gated_linear_attention_backward_workspace(pQ, pV, &bytes), "gated_linear_attention_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            outputs.Check(fovea_status.FOVEA_OK);
            call.Check(NativeMethods.fovea_gated_linear_attention_backward(&native, pDOutput, &results, &scratch, call.Stream));
        }
    }

    private static fovea_gated_linear_attention_inputs Native(fovea_tensor* q, fovea_tensor* k, fovea_tensor* v, fovea_tensor* logDecay,
        fovea_tensor* bonus, fovea_tensor* removal, fovea_tensor* replacement) => new()
        {
            q = q,
            k = k,
            v = v,
            log_decay = logDecay,
            bonus = bonus,
            removal = removal,
            replacement = replacement,
        };
}
