using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Softmax cross-entropy of rows: logits [N][K], targets Int32 or Int64 [N], classWeights [K] or null (ones). With w
    /// the class weight of the target: losses[n] = w * (logSumExp[n] - logit of the target), smoothed as PyTorch does; 0 for a
    /// row whose target is the ignored index, NaN for one whose target is no class. weights[n] = w, or 0 for an ignored row: a
    /// mean loss is sum(losses) / sum(weights). logSumExp [N] is kept for <see cref="CrossEntropyBackward"/>. losses and weights
    /// may be null; all three are Float32.</summary>
    public static void CrossEntropy(DeviceStream stream, in CrossEntropyOptions options, DeviceTensor logits, DeviceTensor targets,
        DeviceTensor? classWeights, DeviceTensor? losses, DeviceTensor? weights, DeviceTensor logSumExp)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "cross_entropy", logits, targets, classWeights, losses, weights, logSumExp);
        fixed (fovea_tensor* pLogits = logits, pTargets = targets, pClassWeights = classWeights, pLosses = losses, pWeights = weights, pLogSumExp = logSumExp)
            call.Check(NativeMethods.fovea_cross_entropy(&native, pLogits, pTargets, pClassWeights, pLosses, pWeights, pLogSumExp, call.Stream));
    }

    /// <summary>The gradient of <see cref="CrossEntropy"/> by the logits: dLosses [N] to dLogits [N][K]. Ignored rows get 0, rows
    /// whose target is no class NaN. In place allowed: dLogits may be logits.</summary>
    public static void CrossEntropyBackward(DeviceStream stream, in CrossEntropyOptions options, DeviceTensor logits, DeviceTensor targets,
        DeviceTensor? classWeights, DeviceTensor logSumExp, DeviceTensor dLosses, DeviceTensor dLogits)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "cross_entropy_backward", logits, targets, classWeights, logSumExp, dLosses, dLogits);
        fixed (fovea_tensor* pLogits = logits, pTargets = targets, pClassWeights = classWeights, pLogSumExp = logSumExp, pDLosses = dLosses, pDLogits = dLogits)
            call.Check(NativeMethods.fovea_cross_entropy_backward(&native, pLogits, pTargets, pClassWeights, pLogSumExp, pDLosses, pDLogits, call.Stream));
    }
}
