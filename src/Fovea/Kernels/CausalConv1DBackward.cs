using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="CausalConv1D"/> by x, weights, bias and the state. state is what it held before the forward
    /// call, or null; dFinalState [B][K-1][D] the gradient of what that call left there, or null. Gradients that are null are not
    /// computed, those of absent inputs must be null. Sums over batch and time run in a fixed order.</summary>
    public static void CausalConv1DBackward(DeviceStream stream, Activation activation,
        DeviceTensor x, DeviceTensor weights, DeviceTensor? bias, DeviceTensor? state, DeviceTensor dy, DeviceTensor? dFinalState,
        DeviceTensor? dx, DeviceTensor? dWeights, DeviceTensor? dBias, DeviceTensor? dState)
    {
        var native = activation.ToNative();
        using var call = new KernelCall(stream, "causal_conv1d_backward", x, weights, bias, state, dy, dFinalState, dx, dWeights, dBias, dState);
        fixed (fovea_tensor* pX = x, pWeights = weights, pBias = bias, pState = state, pDy = dy, pDFinal = dFinalState)
        fixed (fovea_tensor* pDx = dx, pDWeights = dWeights, pDBias = dBias, pDState = dState)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_causal_conv1d_backward_workspace(&native, pX, pWeights, &bytes), "causal_conv1d_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_causal_conv1d_backward(&native, pX, pWeights, pBias, pState, pDy, pDFinal, pDx, pDWeights, pDBias, pDState, &scratch, call.Stream));
        }
    }
}
