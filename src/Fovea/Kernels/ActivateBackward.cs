using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The gradient of <see cref="Activate"/> from its input: dx = dy * activation'(x), all of x's shape; at a kink the
    /// derivative that PyTorch takes. PReLU: slope [C], and dSlope [C] = the sum over the other dimensions of dy * x where x is
    /// negative. dx or dSlope may be null: then it is not computed. In place allowed: dx may be dy. Deterministic.</summary>
    public static void ActivateBackward(DeviceStream stream, Activation activation,
        DeviceTensor x, DeviceTensor? slope, DeviceTensor dy, DeviceTensor? dx, DeviceTensor? dSlope = null)
    {
        var native = activation.ToNative();
        using var call = new KernelCall(stream, "activate_backward", x, slope, dy, dx, dSlope);
        fixed (fovea_tensor* pX = x, pSlope = slope, pDy = dy, pDx = dx, pDSlope = dSlope)
        {
            long bytes = 0;
            if (dSlope is not null)
                Throw.IfFailed(NativeMethods.fovea_activate_backward_workspace(&native, pX, &bytes), "activate_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_activate_backward(&native, pX, pSlope, pDy, pDx, pDSlope, &scratch, call.Stream));
        }
    }
}
