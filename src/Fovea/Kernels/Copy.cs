using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>y = x, converted: float to UInt8 rounds halves to even and saturates, float to integers truncates. Same shape;
    /// pitches may differ. Any pair of Float32, Float16, BFloat16, UInt8, Int32, Int64.</summary>
    public static void Copy(DeviceStream stream, DeviceTensor x, DeviceTensor y)
    {
        using var call = new KernelCall(stream, "copy", x, y);
        fixed (fovea_tensor* pX = x, pY = y)
            call.Check(NativeMethods.fovea_copy(pX, pY, call.Stream));
    }

    /// <summary>Writes the inputs side by side into y's last dimension, one copy each. Leading dimensions equal y's; the last
    /// dimensions add up to y's.</summary>
    /// <exception cref="ArgumentException">The last dimensions do not add up.</exception>
    public static void Concat(DeviceStream stream, DeviceTensor y, params ReadOnlySpan<DeviceTensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(y);
        long columns = 0;
        foreach (var x in inputs) columns += x.RowLength;
        if (y.Rank == 0 || columns != y.RowLength)
            throw new ArgumentException($"the inputs have {columns} columns together, y is {y}", nameof(inputs));
        // A slice made on the stack instead of a view: no garbage.
        var slice = y.GetPinnableReference();
        foreach (var x in inputs)
        {
            using var call = new KernelCall(stream, "copy", x, y);
            slice.shape[y.Rank - 1] = x.RowLength;
            fixed (fovea_tensor* pX = x)
                call.Check(NativeMethods.fovea_copy(pX, &slice, call.Stream));
            slice.data = (byte*)slice.data + x.RowLength * y.DType.Size();
        }
    }
}
