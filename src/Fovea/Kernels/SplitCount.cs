using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>counts[k] = clamp(count - k*chunk, 0, chunk): turns one dynamic batch into fixed chunks. count Int32 [1],
    /// counts Int32 [K].</summary>
    public static void SplitCount(DeviceStream stream, int chunk, DeviceTensor count, DeviceTensor counts)
    {
        using var call = new KernelCall(stream, "split_count", count, counts);
        fixed (fovea_tensor* pCount = count, pCounts = counts)
            call.Check(NativeMethods.fovea_split_count(chunk, pCount, pCounts, call.Stream));
    }
}
