using System.Diagnostics.CodeAnalysis;

namespace Fovea.Data;

/// <summary>The raw features of some rows, by name: what a parser of records hands to feature columns.</summary>
public sealed class FeatureBatch
{
    private readonly Dictionary<string, FeatureInput> _features = new(StringComparer.Ordinal);

    /// <summary>Creates a batch without features.</summary>
    public FeatureBatch(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        Rows = rows;
    }

    /// <summary>Number of rows of every feature.</summary>
    public int Rows { get; }

    /// <summary>Names of the features.</summary>
    public IReadOnlyCollection<string> Keys => _features.Keys;

    /// <summary>Adds a feature; returns the batch.</summary>
    /// <exception cref="ArgumentException">The name is taken, or the number of rows is another one.</exception>
    public FeatureBatch Add(string key, FeatureInput values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Rows != Rows)
            throw new ArgumentException($"feature '{key}' has {values.Rows} rows, the batch has {Rows}", nameof(values));
        if (!_features.TryAdd(key, values)) throw new ArgumentException($"feature '{key}' is there already", nameof(key));
        return this;
    }

    /// <summary>The feature of this name, if there is one.</summary>
    public bool TryGet(string key, [NotNullWhen(true)] out FeatureInput? values) => _features.TryGetValue(key, out values);
}
