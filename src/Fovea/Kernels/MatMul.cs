using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y[..][m][n] = alpha * sum over k of op(a)[..][m][k] * op(b)[..][k][n]; batch dimensions broadcast.</summary>
    public static void MatMul(DeviceStream stream, in MatMulOptions options, DeviceTensor a, DeviceTensor b, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "matmul", a, b, y);
        fixed (fovea_tensor* pA = a, pB = b, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_matmul_workspace(&native, pA, pB, &bytes), "matmul");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_matmul(&native, pA, pB, pY, &scratch, call.Stream));
        }
    }
}
