using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="LinearAttention"/>. initialState is what the state held before the forward call, or null;
    /// dFinalState the gradient of the state it left, or null. States between chunks are computed again, and kept with their gradients
    /// in the workspace. Gradients that are null are not computed, those of absent inputs must be null. Deterministic, whatever the
    /// number of threads.</summary>
    public static void LinearAttentionBackward(DeviceStream stream, in LinearAttentionOptions options,
        DeviceTensor q, DeviceTensor k, DeviceTensor v, DeviceTensor? logDecay, DeviceTensor? initialState,
        DeviceTensor dOutput, DeviceTensor? dFinalState, in LinearAttentionGradients gradients)
    {
        var native = options.ToNative();
        var g = gradients;
        // Twelve tensors are two calls' worth of leases.
        using var call = new KernelCall(stream, "linear_attention_backward", q, k, v, logDecay, initialState, dOutput, dFinalState);
        using var outputs = new KernelCall(stream, "linear_attention_backward", g.Q, g.K, g.V, g.LogDecay, g.InitialState);
        fixed (fovea_tensor* pQ = q, pK = k, pV = v, pLogDecay = logDecay, pInitial = initialState, pDOutput = dOutput, pDFinal = dFinalState)
        fixed (fovea_tensor* gQ = g.Q, gK = g.K, gV = g.V, gLogDecay = g.LogDecay, gInitial = g.InitialState)
        {
            var results = new fovea_linear_attention_gradients
            {
                dq = gQ,
                dk = gK,
                dv = gV,
                d_log_decay = gLogDecay,
                d_initial_state = gInitial,
            };
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_linear_attention_backward_workspace(&native, pQ, pV, &bytes), "linear_attention_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            outputs.Check(fovea_status.FOVEA_OK);
            call.Check(NativeMethods.fovea_linear_attention_backward(&native, pQ, pK, pV, pLogDecay, pInitial, pDOutput, pDFinal, &results, &scratch, call.Stream));
        }
    }
}
