namespace Fovea.Data;

/// <summary>A tensor of an RWKV model file.</summary>
/// <param name="Name">Its key.</param>
/// <param name="DType">Float32 or Float16.</param>
/// <param name="Shape">Outermost dimension first (the file has them reversed).</param>
/// <param name="Offset">Where its bytes begin in the file.</param>
public sealed record RwkvTensor(string Name, DType DType, IReadOnlyList<long> Shape, long Offset)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Shape and type, for messages.</summary>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}] {DType}";
}
