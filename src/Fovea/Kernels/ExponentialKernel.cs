using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The impulse response of a diagonal state space (the Vandermonde product of S4D; Gu et al., "On the Parameterization and
    /// Initialization of Diagonal State Space Models", 2022): k[d][l] = the real part of the sum over n of weights[d][n] *
    /// exp(l * exponents[d][n]). exponents and weights [D][N][2] are re, im; k [D][L]. The phase of a late step keeps its
    /// accuracy.</summary>
    public static void ExponentialKernel(DeviceStream stream, DeviceTensor exponents, DeviceTensor weights, DeviceTensor k)
    {
        using var call = new KernelCall(stream, "exponential_kernel", exponents, weights, k);
        fixed (fovea_tensor* pExponents = exponents, pWeights = weights, pK = k)
            call.Check(NativeMethods.fovea_exponential_kernel(pExponents, pWeights, pK, call.Stream));
    }
}
