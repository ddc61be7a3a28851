using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = (x - mean) / sqrt(variance + epsilon) * gamma + beta for x [N][..][C], with mean and biased variance over all
    /// positions and the C/groups neighbouring channels of a group, for each image;
    /// <see cref="GroupNormOptions.Rms"/>: x / sqrt(mean(x^2) + epsilon) * gamma + beta. gamma and beta [C] or null. In place
    /// allowed.</summary>
    public static void GroupNorm(DeviceStream stream, in GroupNormOptions options,
        DeviceTensor x, DeviceTensor? gamma, DeviceTensor? beta, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "group_norm", x, gamma, beta, y);
        fixed (fovea_tensor* pX = x, pGamma = gamma, pBeta = beta, pY = y)
            call.Check(NativeMethods.fovea_group_norm(&native, pX, pGamma, pBeta, pY, call.Stream));
    }
}
