namespace Fovea.Training;

/// <summary>Data type and shape of a tensor that need not exist yet. Equal when both are.</summary>
public sealed class TensorSpec : IEquatable<TensorSpec>
{
    private readonly long[] _shape;

    /// <summary>Describes a tensor; no shape makes a scalar.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative.</exception>
    public TensorSpec(DType dtype, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }
        DType = dtype;
        ElementCount = count;
        _shape = shape.ToArray();
    }

    /// <summary>Data type of the elements.</summary>
    public DType DType { get; }

    /// <summary>Product of the shape.</summary>
    public long ElementCount { get; }

    /// <summary>Size of each dimension.</summary>
    public ReadOnlySpan<long> Shape => _shape;

    /// <summary>Number of dimensions.</summary>
    public int Rank => _shape.Length;

    /// <summary>Bytes of the elements, without the pool's rounding.</summary>
    public long Bytes => checked(ElementCount * DType.Size());

    /// <summary>Size of one dimension; a negative index counts from the end.</summary>
    public long this[Index dimension] => _shape[dimension];

    /// <summary>The description of an existing tensor.</summary>
    public static TensorSpec Of(DeviceTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new TensorSpec(tensor.DType, tensor.Shape);
    }

    /// <summary>The same data type with another shape.</summary>
    public TensorSpec With(params ReadOnlySpan<long> shape) => new(DType, shape);

    /// <inheritdoc/>
    public bool Equals(TensorSpec? other) => other is not null && DType == other.DType && Shape.SequenceEqual(other.Shape);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorSpec);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(DType);
        foreach (var size in _shape) hash.Add(size);
        return hash.ToHashCode();
    }

    /// <summary>For example "[1, 12, 12, 3] Float32".</summary>
    public override string ToString() => $"[{string.Join(", ", _shape)}] {DType}";
}
