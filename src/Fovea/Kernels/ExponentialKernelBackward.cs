using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="ExponentialKernel"/> by exponents and weights, (d/d re, d/d im) each, from dk [D][L]. Gradients
    /// that are null are not computed. Deterministic, whatever the number of threads.</summary>
    public static void ExponentialKernelBackward(DeviceStream stream, DeviceTensor exponents, DeviceTensor weights, DeviceTensor dk,
        DeviceTensor? dExponents, DeviceTensor? dWeights)
    {
        using var call = new KernelCall(stream, "exponential_kernel_backward", exponents, weights, dk, dExponents, dWeights);
        fixed (fovea_tensor* pExponents = exponents, pWeights = weights, pDk = dk, pDExponents = dExponents, pDWeights = dWeights)
            call.Check(NativeMethods.fovea_exponential_kernel_backward(pExponents, pWeights, pDk, pDExponents, pDWeights, call.Stream));
    }
}
