using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Moves boxes by regressed deltas. boxes, deltas and y: [R][4]. In place allowed.</summary>
    public static void BoxDeltas(DeviceStream stream, in BoxDeltasOptions options,
        DeviceTensor boxes, DeviceTensor deltas, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "box_deltas", boxes, deltas, y);
        fixed (fovea_tensor* pBoxes = boxes, pDeltas = deltas, pY = y)
            call.Check(NativeMethods.fovea_box_deltas(&native, pBoxes, pDeltas, pY, call.Stream));
    }
}
