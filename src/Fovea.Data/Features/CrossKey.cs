namespace Fovea.Data;

/// <summary>One side of a cross: the values of a raw feature as they are, or the ids of a categorical column.</summary>
public readonly record struct CrossKey
{
    /// <summary>A raw feature of strings or integers.</summary>
    public CrossKey(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        Key = key;
    }

    /// <summary>A categorical column.</summary>
    public CrossKey(FeatureColumn column) => Column = column ?? throw new ArgumentNullException(nameof(column));

    /// <summary>The raw feature, or null.</summary>
    public string? Key { get; }

    /// <summary>The column, or null.</summary>
    public FeatureColumn? Column { get; }

    /// <summary>A raw feature.</summary>
    public static implicit operator CrossKey(string key) => new(key);

    /// <summary>A categorical column.</summary>
    public static implicit operator CrossKey(FeatureColumn column) => new(column);
}
