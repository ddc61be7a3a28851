using Fovea.Interop;

namespace Fovea;

/// <summary>What must hold of memory that comes from outside.</summary>
internal static unsafe class ForeignMemory
{
    /// <summary>Why the address, the shape and the pitch make no tensor; null when they do. The rank is at most 8 and no size is
    /// negative already.</summary>
    public static string? Problem(in fovea_tensor native, DType dtype)
    {
        var size = dtype.Size();
        long row = native.rank == 0 ? 1 : native.shape[native.rank - 1], rows = 1;
        for (var i = 0; i < native.rank - 1; i++)
            if (!Multiply(rows, native.shape[i], out rows))
                return "the shape has more elements than 2^63";
        if (rows == 0 || row == 0) return null;
        if (native.data == null) return "the address is NULL, but the tensor has elements";
        if ((nuint)native.data % (nuint)size != 0)
            return $"the address 0x{(nuint)native.data:x} is not a multiple of {size}, the size of an element of {dtype}";
        if (rows > 1 && native.pitch < row) return $"the pitch {native.pitch} is less than {row}, the length of a row";
        if (!Multiply(rows - 1, native.pitch, out var gaps) || gaps > long.MaxValue - row || !Multiply(gaps + row, size, out var bytes) ||
            (ulong)bytes > ulong.MaxValue - (ulong)native.data)
            return "the tensor is larger than any memory";
        return null;
    }

    /// <summary>The product of two sizes, if it fits.</summary>
    public static bool Multiply(long a, long b, out long product)
    {
        var high = Math.BigMul(a, b, out product);
        return high == 0 && product >= 0;
    }
}
