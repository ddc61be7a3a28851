using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The selective scan of Mamba (Gu and Dao, 2023). For each batch entry and channel d, with h[N] starting at the
    /// state or 0: h[n] = exp(delta[t][d] * a[d][n]) * h[n] + delta[t][d] * b[t][n] * u[t][d], and y[t][d] = the sum over n of
    /// c[t][n] * h[n], plus skip[d] * u[t][d], times silu(z[t][d]). u, delta, z and y [B][L][D], a [D][N] with N at most 256,
    /// b and c [B][L][N], skip and deltaBias [D], state [B][D][N], which is read and replaced. skip, z, deltaBias and state may
    /// be null. One step of streaming inference is L = 1 with a state. Not in place.</summary>
    public static void SelectiveScan(DeviceStream stream, in SelectiveScanOptions options,
        DeviceTensor u, DeviceTensor delta, DeviceTensor a, DeviceTensor b, DeviceTensor c,
        DeviceTensor? skip, DeviceTensor? z, DeviceTensor? deltaBias, DeviceTensor? state, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "selective_scan", u, delta, a, b, c, skip, z, deltaBias, state, y);
        fixed (fovea_tensor* pU = u, pDelta = delta, pA = a, pB = b, pC = c, pSkip = skip, pZ = z, pDeltaBias = deltaBias, pState = state, pY = y)
            call.Check(NativeMethods.fovea_selective_scan(&native, pU, pDelta, pA, pB, pC, pSkip, pZ, pDeltaBias, pState, pY, call.Stream));
    }
}
