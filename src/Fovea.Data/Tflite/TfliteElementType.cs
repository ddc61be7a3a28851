namespace Fovea.Data;

#pragma warning disable CA1720 // Element types are called by their type names.

/// <summary>Element type of a TFLite tensor, with the numbers of its schema. Others are kept as their number.</summary>
public enum TfliteElementType
{
    /// <summary>32-bit float.</summary>
    Float32 = 0,

    /// <summary>16-bit IEEE float.</summary>
    Float16 = 1,

    /// <summary>32-bit signed integer.</summary>
    Int32 = 2,

    /// <summary>8-bit unsigned integer, usually quantised.</summary>
    UInt8 = 3,

    /// <summary>64-bit signed integer.</summary>
    Int64 = 4,

    /// <summary>Packed strings.</summary>
    String = 5,

    /// <summary>One byte per truth value.</summary>
    Boolean = 6,

    /// <summary>16-bit signed integer, usually quantised.</summary>
    Int16 = 7,

    /// <summary>Two 32-bit floats.</summary>
    Complex64 = 8,

    /// <summary>8-bit signed integer, usually quantised.</summary>
    Int8 = 9,

    /// <summary>64-bit float.</summary>
    Float64 = 10,
}
