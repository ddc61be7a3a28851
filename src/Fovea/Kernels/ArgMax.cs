using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Index of the largest or smallest element along one dimension. indices: Int32 or Int64, x's shape with the
    /// dimension as 1 or removed. Ties: the lowest index. NaN is ignored unless all are NaN (0).</summary>
    public static void ArgMax(DeviceStream stream, in ArgMaxOptions options, DeviceTensor x, DeviceTensor indices)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "argmax", x, indices);
        fixed (fovea_tensor* pX = x, pIndices = indices)
            call.Check(NativeMethods.fovea_argmax(&native, pX, pIndices, call.Stream));
    }
}
