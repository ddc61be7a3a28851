using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>result [2] = the L2 norm of all gradients together (summed in double, in a fixed order) and the clip factor
    /// min(1, maxNorm/(norm + 1e-6)), NaN when the norm is not finite: then <see cref="OptimizerStep"/> skips.</summary>
    /// <param name="stream">Where the work is enqueued.</param>
    /// <param name="gradients">Any number of Float32 tensors.</param>
    /// <param name="maxNorm">The norm to clip to.</param>
    /// <param name="result">Float32 [2].</param>
    public static void GlobalNorm(DeviceStream stream, ReadOnlySpan<DeviceTensor> gradients, float maxNorm, DeviceTensor result)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(result);
        if (gradients.Length > MaxGradients)
            throw new ArgumentException($"There are {gradients.Length} gradients; at most {MaxGradients} fit in one call: keep them in a flat buffer.", nameof(gradients));
        var descriptors = stackalloc fovea_tensor[gradients.Length];
        var pointers = stackalloc fovea_tensor*[gradients.Length];
        using var call = new KernelCall(stream, "global_norm", result);
        int entered = 0;
        try
        {
            for (; entered < gradients.Length; entered++)
            {
                var gradient = gradients[entered] ?? throw new ArgumentNullException(nameof(gradients));
                gradient.Lease.Enter(stream.Id);
                fixed (fovea_tensor* p = gradient) descriptors[entered] = *p;
                pointers[entered] = descriptors + entered;
            }
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_global_norm_workspace(pointers, gradients.Length, &bytes), "global_norm");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            fixed (fovea_tensor* pResult = result)
                call.Check(NativeMethods.fovea_global_norm(pointers, gradients.Length, maxNorm, pResult, &scratch, call.Stream));
            if (stream.Capture is { } capture)
                foreach (var gradient in gradients) capture.Memory.Retain(gradient.Lease);
        }
        finally
        {
            for (int i = 0; i < entered; i++) gradients[i].Lease.Leave();
        }
    }

    // Descriptors live on the stack: 4096 of them are 450 KiB of the usual 8 MiB (1.5 MiB on secondary threads).
    private const int MaxGradients = 4096;
}
