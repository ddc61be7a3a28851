using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>One optimiser step of one parameter tensor, or of a flat buffer that holds many. first (all but SGD) and second (Adam, AdamW)
    /// are the moments, zero before step 1. schedule [3] on the device: learning rate, step number from 1, factor for the gradient; so a
    /// captured training step can be replayed. A factor that is not finite skips the step.</summary>
    public static void OptimizerStep(DeviceStream stream, in OptimizerOptions options,
        DeviceTensor parameter, DeviceTensor gradient, DeviceTensor? first, DeviceTensor? second, DeviceTensor schedule)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "optimizer_step", parameter, gradient, first, second, schedule);
        fixed (fovea_tensor* pParameter = parameter, pGradient = gradient, pFirst = first, pSecond = second, pSchedule = schedule)
            call.Check(NativeMethods.fovea_optimizer_step(&native, pParameter, pGradient, pFirst, pSecond, pSchedule, call.Stream));
    }
}
