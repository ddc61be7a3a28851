namespace Fovea.Data;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Key in the file.</param>
/// <param name="DType">Data type.</param>
/// <param name="Shape">Sizes; empty for a scalar.</param>
/// <param name="Offset">Bytes from the end of the header.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>For example "conv.weight F32 [8, 3, 3, 3]".</summary>
    public override string ToString() => $"{Name} {DType.Name()} [{string.Join(", ", Shape)}]";
}
