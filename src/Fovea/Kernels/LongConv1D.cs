using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>A causal depthwise convolution with a kernel as long as the sequence: y[t][d] = the sum over k up to min(t, K-1) of
    /// kernel[d][k] * x[t-k][d], plus skip[d]*x[t][d]. x and y [B][L][D], kernel [D][K], skip [D] or null. By fast Fourier transforms, so a
    /// result has an error of about 2^-24 log2(L+K) of the norms of its channel's x and kernel; directly where that is quicker. The
    /// shape alone decides. A NaN or infinity reaches every step of its sequence and of those that are transformed with it. Not in
    /// place.</summary>
    public static void LongConv1D(DeviceStream stream, DeviceTensor x, DeviceTensor kernel, DeviceTensor? skip, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "long_conv1d", x, kernel, skip, y);
        fixed (fovea_tensor* pX = x, pKernel = kernel, pSkip = skip, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_long_conv1d_workspace(pX, pKernel, &bytes), "long_conv1d");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_long_conv1d(pX, pKernel, pSkip, pY, &scratch, call.Stream));
        }
    }
}
