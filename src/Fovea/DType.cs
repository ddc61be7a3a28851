using System.Diagnostics.CodeAnalysis;

namespace Fovea;

/// <summary>Data type of a tensor's elements.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "These are the names of the types.")]
public enum DType
{
    /// <summary>32-bit IEEE float.</summary>
    Float32,

    /// <summary>16-bit IEEE float (<see cref="Half"/>).</summary>
    Float16,

    /// <summary>The upper half of a 32-bit float.</summary>
    BFloat16,

    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Signed 32-bit integer.</summary>
    Int32,

    /// <summary>Signed 64-bit integer.</summary>
    Int64,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}
