using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="SelectiveScan"/>. initialState is what the state held before the forward call, or null;
    /// dFinalState the gradient of the state it left, or null. States are recomputed from checkpoints. Gradients that are null are not
    /// computed, those of absent inputs must be null. Deterministic, whatever the number of threads.</summary>
    public static void SelectiveScanBackward(DeviceStream stream, in SelectiveScanOptions options,
        DeviceTensor u, DeviceTensor delta, DeviceTensor a, DeviceTensor b, DeviceTensor c,
        DeviceTensor? skip, DeviceTensor? z, DeviceTensor? deltaBias, DeviceTensor? initialState,
        DeviceTensor dy, DeviceTensor? dFinalState, in SelectiveScanGradients gradients)
    {
        var native = options.ToNative();
        var g = gradients;
        // Twenty tensors are two calls' worth of leases.
        using var call = new KernelCall(stream, "selective_scan_backward", u, delta, a, b, c, skip, z, deltaBias, initialState, dy);
        using var outputs = new KernelCall(stream, "selective_scan_backward", dFinalState, g.U, g.Delta, g.A, g.B, g.C, g.Skip, g.Z, g.DeltaBias, g.InitialState);
        fixed (fovea_tensor* pU = u, pDelta = delta, pA = a, pB = b, pC = c, pSkip = skip, pZ = z, pDeltaBias = deltaBias, pInitial = initialState, pDy = dy, pDFinal = dFinalState)
        fixed (fovea_tensor* gU = g.U, gDelta = g.Delta, gA = g.A, gB = g.B, gC = g.C, gSkip = g.Skip, gZ = g.Z, gDeltaBias = g.DeltaBias, gInitial = g.InitialState)
        {
            var results = new fovea_selective_scan_gradients
            {
                du = gU,
                d_delta = gDelta,
                dA = gA,
                dB = gB,
                dC = gC,
                d_skip = gSkip,
                dz = gZ,
                d_delta_bias = gDeltaBias,
                d_initial_state = gInitial,
            };
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_selective_scan_backward_workspace(&native, pU, pA, &bytes), "selective_scan_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            outputs.Check(fovea_status.FOVEA_OK);
            call.Check(NativeMethods.fovea_selective_scan_backward(&native, pU, pDelta, pA, pB, pC, pSkip, pZ, pDeltaBias, pInitial, pDy, pDFinal, &results, &scratch, call.Stream));
        }
    }
}
