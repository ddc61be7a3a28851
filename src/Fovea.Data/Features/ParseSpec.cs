namespace Fovea.Data;

/// <summary>The raw features that columns need (TensorFlow's make_parse_example_spec), by name.</summary>
public sealed class ParseSpec
{
    private readonly SortedDictionary<string, InputSpec> _features = new(StringComparer.Ordinal);

    /// <summary>The union of what the columns need.</summary>
    /// <exception cref="FeatureException">Two columns read the same feature in different ways.</exception>
    public ParseSpec(IEnumerable<FeatureColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        foreach (var column in columns) column.AddTo(this);
    }

    /// <summary>How to read each feature, in ordinal order of the names.</summary>
    public IReadOnlyDictionary<string, InputSpec> Features => _features;

    /// <summary>Adds a feature; the same one may be added again.</summary>
    /// <exception cref="FeatureException">It is there with another specification.</exception>
    public void Add(string key, InputSpec spec)
    {
        if (!_features.TryAdd(key, spec) && _features[key] != spec)
            throw new FeatureException(key, $"columns read this feature both as {_features[key]} and as {spec}");
    }
}
