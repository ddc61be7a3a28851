namespace Fovea.Data;

/// <summary>Data types of the format that are whole bytes wide, in the order of the reference writer: it sorts tensors by the type,
/// widest first, so that data stays aligned.</summary>
public enum SafetensorsDType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned, 8 bits.</summary>
    U8,

    /// <summary>Signed, 8 bits.</summary>
    I8,

    /// <summary>8-bit floating point, 5 exponent bits.</summary>
    F8E5M2,

    /// <summary>8-bit floating point, 4 exponent bits.</summary>
    F8E4M3,

    /// <summary>Signed, 16 bits.</summary>
    I16,

    /// <summary>Unsigned, 16 bits.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of an f32.</summary>
    BF16,

    /// <summary>Signed, 32 bits.</summary>
    I32,

    /// <summary>Unsigned, 32 bits.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>Signed, 64 bits.</summary>
    I64,

    /// <summary>Unsigned, 64 bits.</summary>
    U64,
}

internal static class SafetensorsDTypes
{
    public static int Size(this SafetensorsDType dtype) => dtype switch
    {
        <= SafetensorsDType.F8E4M3 => 1,
        <= SafetensorsDType.BF16 => 2,
        <= SafetensorsDType.F32 => 4,
        _ => 8,
    };

    public static string Name(this SafetensorsDType dtype) => dtype switch
    {
        SafetensorsDType.Bool => "BOOL",
        SafetensorsDType.F8E5M2 => "F8_E5M2",
        SafetensorsDType.F8E4M3 => "F8_E4M3",
        _ => dtype.ToString(),
    };

    public static bool TryParse(string name, out SafetensorsDType dtype)
    {
        foreach (var candidate in Enum.GetValues<SafetensorsDType>())
        {
            dtype = candidate;
            if (candidate.Name() == name) return true;
        }
        dtype = default;
        return false;
    }
}
