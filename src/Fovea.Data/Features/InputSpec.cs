namespace Fovea.Data;

/// <summary>How a parser of tf.Example must read one raw feature.</summary>
/// <param name="Kind">Type of the values.</param>
/// <param name="Shape">Shape of a dense feature (FixedLen), the same in every row; null for any number of values (VarLen).</param>
/// <param name="Default">Value that fills a dense feature missing in a record; null: it must be there.</param>
public sealed record InputSpec(InputKind Kind, IReadOnlyList<int>? Shape = null, double? Default = null)
{
    /// <summary>Whether every row has the same number of values.</summary>
    public bool IsDense => Shape is not null;

    /// <inheritdoc/>
    public bool Equals(InputSpec? other) =>
        other is not null && Kind == other.Kind && Default == other.Default && IsDense == other.IsDense &&
        (Shape is null || Shape.SequenceEqual(other.Shape!));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Default, Shape?.Count);

    /// <summary>For example "FixedLen Floats [2]" or "VarLen Bytes".</summary>
    public override string ToString() => Shape is null ? $"VarLen {Kind}" : $"FixedLen {Kind} [{string.Join(", ", Shape)}]";
}
