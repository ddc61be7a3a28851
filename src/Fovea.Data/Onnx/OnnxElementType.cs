using System.Diagnostics.CodeAnalysis;

namespace Fovea.Data;

/// <summary>Element types of ONNX tensors that weights have; the numbers are the format's.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "The names of the types are what the enum lists.")]
public enum OnnxElementType
{
    /// <summary>32-bit float.</summary>
    Float32 = 1,

    /// <summary>8-bit unsigned.</summary>
    UInt8 = 2,

    /// <summary>8-bit signed.</summary>
    Int8 = 3,

    /// <summary>32-bit integer.</summary>
    Int32 = 6,

    /// <summary>64-bit integer.</summary>
    Int64 = 7,

    /// <summary>One byte per truth value.</summary>
    Bool = 9,

    /// <summary>16-bit float.</summary>
    Float16 = 10,
}
