using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Normalises each channel (last dimension) over all others (Ioffe and Szegedy, 2015). Inference reads mean and variance;
    /// training normalises with the batch's own statistics, moves mean and variance towards them and leaves mean and 1/deviation in
    /// savedMean and savedRstd. All vectors [C]; gamma, beta and, in inference, the saved ones may be null. In place allowed.</summary>
    public static void BatchNorm(DeviceStream stream, in BatchNormOptions options,
        DeviceTensor x, DeviceTensor? gamma, DeviceTensor? beta, DeviceTensor mean, DeviceTensor variance, DeviceTensor? savedMean, DeviceTensor? savedRstd, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "batch_norm", x, gamma, beta, mean, variance, savedMean, savedRstd, y);
        fixed (fovea_tensor* pX = x, pGamma = gamma, pBeta = beta, pMean = mean, pVariance = variance, pSavedMean = savedMean, pSavedRstd = savedRstd, pY = y)
            call.Check(NativeMethods.fovea_batch_norm(&native, pX, pGamma, pBeta, pMean, pVariance, pSavedMean, pSavedRstd, pY, call.Stream));
    }
}
