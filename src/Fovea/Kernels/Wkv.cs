using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>RWKV-4's mixer (Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", 2023), by channel: y[t] is the average of
    /// the values up to t with weights e^((t-1-i)*decay + k[i]) for i &lt; t and e^(bonus + k[t]); exponents are shifted by running
    /// maxima, so none overflows. decay (&lt; 0) and bonus [C]; k, v, y [B][L][C]; state [B][3][C] = numerator, denominator and
    /// their common exponent, read and replaced, or null for the start (-1e38 everywhere). One step of streaming inference is L = 1
    /// with a state, with the same bits as a longer call.</summary>
    public static void Wkv(DeviceStream stream, DeviceTensor decay, DeviceTensor bonus, DeviceTensor k, DeviceTensor v,
        DeviceTensor? state, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "wkv", decay, bonus, k, v, state, y);
        fixed (fovea_tensor* pDecay = decay, pBonus = bonus, pK = k, pV = v, pState = state, pY = y)
            call.Check(NativeMethods.fovea_wkv(pDecay, pBonus, pK, pV, pState, pY, call.Stream));
    }

    /// <summary>Gradients of <see cref="Wkv"/> from the start. dDecay is with respect to decay as given. Gradients that are null are not
    /// computed. Deterministic, whatever the number of threads.</summary>
    public static void WkvBackward(DeviceStream stream, DeviceTensor decay, DeviceTensor bonus, DeviceTensor k, DeviceTensor v,
        DeviceTensor dy, DeviceTensor? dDecay, DeviceTensor? dBonus, DeviceTensor? dk, DeviceTensor? dv)
    {
        using var call = new KernelCall(stream, "wkv_backward", decay, bonus, k, v, dy, dDecay, dBonus, dk, dv);
        fixed (fovea_tensor* pDecay = decay, pBonus = bonus, pK = k, pV = v, pDy = dy)
        fixed (fovea_tensor* gDecay = dDecay, gBonus = dBonus, gK = dk, gV = dv)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_wkv_backward_workspace(pK, &bytes), "wkv_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_wkv_backward(pDecay, pBonus, pK, pV, pDy, gDecay, gBonus, gK, gV, &scratch, call.Stream));
        }
    }
}
