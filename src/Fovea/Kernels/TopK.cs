using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>The k largest or smallest of each row, sorted; equal values by ascending index, NaN last. values [..][k],
    /// indices Int32 or Int64 [..][k]; either may be null.</summary>
    public static void TopK(DeviceStream stream, in TopKOptions options,
        DeviceTensor x, DeviceTensor? values, DeviceTensor? indices)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "topk", x, values, indices);
        fixed (fovea_tensor* pX = x, pValues = values, pIndices = indices)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_topk_workspace(&native, pX, &bytes), "topk");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_topk(&native, pX, pValues, pIndices, &scratch, call.Stream));
        }
    }
}
