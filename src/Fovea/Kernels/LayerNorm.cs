using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last dimension [C], with the biased variance;
    /// <see cref="LayerNormOptions.Rms"/>: x / sqrt(mean(x^2) + epsilon) * gamma + beta. gamma and beta [C] or null. residual,
    /// of x's shape or null, is added to x first; sum, of x's shape or null, receives x + residual. In place allowed: y may be
    /// x, and sum may be residual.</summary>
    public static void LayerNorm(DeviceStream stream, in LayerNormOptions options,
        DeviceTensor x, DeviceTensor? residual, DeviceTensor? gamma, DeviceTensor? beta, DeviceTensor? sum, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "layer_norm", x, residual, gamma, beta, sum, y);
        fixed (fovea_tensor* pX = x, pResidual = residual, pGamma = gamma, pBeta = beta, pSum = sum, pY = y)
            call.Check(NativeMethods.fovea_layer_norm(&native, pX, pResidual, pGamma, pBeta, pSum, pY, call.Stream));
    }
}
