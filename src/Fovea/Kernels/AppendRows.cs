using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Appends x[indices[i]], for i below the live count of indices, to y behind its first count rows and raises
    /// count. Without indices: the live rows of x. Negative indices are skipped, rows beyond y's capacity dropped. x [N][..]
    /// and y [capacity][..] Float32 or Int32, indices Int32 [K], count Int32 [1].</summary>
    public static void AppendRows(DeviceStream stream,
        DeviceTensor x, DeviceTensor? indices, DeviceTensor y, DeviceTensor count)
    {
        using var call = new KernelCall(stream, "append_rows", x, indices, y, count);
        fixed (fovea_tensor* pX = x, pIndices = indices, pY = y, pCount = count)
            call.Check(NativeMethods.fovea_append_rows(pX, pIndices, pY, pCount, call.Stream));
    }
}
