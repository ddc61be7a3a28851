using Fovea.Interop;

namespace Fovea;

/// <summary>Facts about data types.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float16 or DType.BFloat16 => 2,
        DType.UInt8 or DType.Bool => 1,
        DType.Int64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "unknown data type"),
    };

    internal static fovea_dtype ToNative(this DType dtype)
    {
        var code = dtype switch
        {
            DType.BFloat16 => fovea_dtype_code.FOVEA_BFLOAT,
            DType.UInt8 => fovea_dtype_code.FOVEA_UINT,
            DType.Int32 or DType.Int64 => fovea_dtype_code.FOVEA_INT,
            DType.Bool => fovea_dtype_code.FOVEA_BOOL,
            _ => fovea_dtype_code.FOVEA_FLOAT,
        };
        return new fovea_dtype { code = (byte)code, bits = (byte)(8 * dtype.Size()), lanes = 1 };
    }

    /// <summary>The data type that holds <typeparamref name="T"/>.</summary>
    internal static DType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return DType.Float32;
        if (typeof(T) == typeof(Half)) return DType.Float16;
        if (typeof(T) == typeof(byte)) return DType.UInt8;
        if (typeof(T) == typeof(int)) return DType.Int32;
        if (typeof(T) == typeof(long)) return DType.Int64;
        if (typeof(T) == typeof(bool)) return DType.Bool;
        throw new NotSupportedException($"no data type holds {typeof(T)}; allowed are float, Half, byte, int, long and bool");
    }

    /// <summary>Whether elements of type <typeparamref name="T"/> may be read from or written to a tensor of this data type.
    /// bfloat16 has no .NET type, so its bits travel as <see cref="ushort"/>.</summary>
    internal static bool Holds<T>(this DType dtype) where T : unmanaged => dtype switch
    {
        DType.Float32 => typeof(T) == typeof(float),
        DType.Float16 => typeof(T) == typeof(Half) || typeof(T) == typeof(ushort),
        DType.BFloat16 => typeof(T) == typeof(ushort),
        DType.UInt8 => typeof(T) == typeof(byte),
        DType.Int32 => typeof(T) == typeof(int),
        DType.Int64 => typeof(T) == typeof(long),
        DType.Bool => typeof(T) == typeof(bool) || typeof(T) == typeof(byte),
        _ => false,
    };
}
