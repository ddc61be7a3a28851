using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y[i] = x[indices[i]]: embedding lookup. x [N][..], indices Int32 or Int64 of any shape S, y S followed by x's row
    /// shape. An index outside [0, N) gives a row of zeros.</summary>
    public static void GatherRows(DeviceStream stream, DeviceTensor x, DeviceTensor indices, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "gather_rows", x, indices, y);
        fixed (fovea_tensor* pX = x, pIndices = indices, pY = y)
            call.Check(NativeMethods.fovea_gather_rows(pX, pIndices, pY, call.Stream));
    }

    /// <summary>The gradient of <see cref="GatherRows"/>: dx[indices[i]] += dy[i] in ascending i. dx is not cleared first; indices
    /// outside it are skipped.</summary>
    public static void ScatterAddRows(DeviceStream stream, DeviceTensor dy, DeviceTensor indices, DeviceTensor dx)
    {
        using var call = new KernelCall(stream, "scatter_add_rows", dy, indices, dx);
        fixed (fovea_tensor* pDy = dy, pIndices = indices, pDx = dx)
            call.Check(NativeMethods.fovea_scatter_add_rows(pDy, pIndices, pDx, call.Stream));
    }
}
