using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>A depthwise convolution over time that looks back only: y[t][d] = activation(bias[d] + the sum over k of
    /// weights[d][k] * x[t - (K-1) + k][d]). x and y [B][L][D], weights [D][K] with K at most 16, bias [D] or null. state
    /// [B][K-1][D] holds the inputs before x, oldest first, and is replaced by the last K-1 inputs; null stands for zeros.
    /// PReLU is not possible. Not in place.</summary>
    public static void CausalConv1D(DeviceStream stream, Activation activation,
        DeviceTensor x, DeviceTensor weights, DeviceTensor? bias, DeviceTensor? state, DeviceTensor y)
    {
        var native = activation.ToNative();
        using var call = new KernelCall(stream, "causal_conv1d", x, weights, bias, state, y);
        fixed (fovea_tensor* pX = x, pWeights = weights, pBias = bias, pState = state, pY = y)
            call.Check(NativeMethods.fovea_causal_conv1d(&native, pX, pWeights, pBias, pState, pY, call.Stream));
    }
}
