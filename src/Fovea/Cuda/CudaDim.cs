namespace Fovea;

/// <summary>Extents in three dimensions, as CUDA's <c>dim3</c>. A number converts to (number, 1, 1).</summary>
public readonly record struct CudaDim(int X, int Y = 1, int Z = 1)
{
    /// <summary>One-dimensional.</summary>
    public static implicit operator CudaDim(int x) => new(x);

    /// <summary>As the conversion.</summary>
    public static CudaDim FromInt32(int x) => new(x);

    /// <summary>Product of the extents.</summary>
    public long Count => (long)X * Y * Z;

    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {Z})";
}
