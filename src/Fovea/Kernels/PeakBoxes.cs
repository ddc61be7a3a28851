using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>CenterNet's decoding (Zhou et al., "Objects as Points", 2019) in one pass: maxima of a heat map, the best of all classes,
    /// their boxes. heat [H][W][C], size [H][W][2] ([H][W][4] with distances), offset [H][W][2] or null for the middle of the cell, all
    /// Float32; they may be column views. rows [capacity][6] = x1 y1 x2 y2 score class, appended behind the count rows that are there;
    /// count Int32 [1] is raised. Order: score descending, then cell, then class. Equal neighbours that are both maxima are both peaks;
    /// NaN is none. The same peaks in the same order on every backend.</summary>
    public static void PeakBoxes(DeviceStream stream, in PeakOptions options,
        DeviceTensor heat, DeviceTensor size, DeviceTensor? offset, DeviceTensor rows, DeviceTensor count)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "peak_boxes", heat, size, offset, rows, count);
        fixed (fovea_tensor* pHeat = heat, pSize = size, pOffset = offset, pRows = rows, pCount = count)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_peak_boxes_workspace(&native, pHeat, &bytes), "peak_boxes");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_peak_boxes(&native, pHeat, pSize, pOffset, pRows, pCount, &scratch, call.Stream));
        }
    }
}
