namespace Fovea.Data;

/// <summary>What <see cref="ExampleParser"/> must take from records for columns (TensorFlow's make_parse_example_spec), in the
/// order of the names.</summary>
public sealed class ParseSpec
{
    private readonly SortedDictionary<string, FeatureSpec> _features = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FeatureSpec> _sequences = new(StringComparer.Ordinal);

    /// <summary>The union of what the columns need.</summary>
    /// <exception cref="FeatureException">Two columns read the same feature in different ways.</exception>
    public ParseSpec(IEnumerable<FeatureColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        foreach (var column in columns) column.AddTo(this);
    }

    /// <summary>Features of an Example, or of the context of a SequenceExample.</summary>
    public IReadOnlyCollection<FeatureSpec> Features => _features.Values;

    /// <summary>What sequence columns read: feature lists of a SequenceExample, or features of an Example where every value is
    /// a step.</summary>
    public IReadOnlyCollection<FeatureSpec> Sequences => _sequences.Values;

    /// <summary>Adds a feature; the same one may be added again.</summary>
    /// <exception cref="FeatureException">It is there and read in another way.</exception>
    public void Add(FeatureSpec feature) => Add(_features, feature);

    /// <summary>Adds what a sequence column reads.</summary>
    /// <exception cref="FeatureException">It is there and read in another way.</exception>
    public void AddSequence(FeatureSpec feature) => Add(_sequences, feature);

    private static void Add(SortedDictionary<string, FeatureSpec> features, FeatureSpec feature)
    {
        ArgumentNullException.ThrowIfNull(feature);
        if (!features.TryAdd(feature.Name, feature) && !Same(features[feature.Name], feature))
            throw new FeatureException(feature.Name,
                $"columns read this feature both as {Describe(features[feature.Name])} and as {Describe(feature)}");
    }

    private static bool Same(FeatureSpec a, FeatureSpec b) => (a, b) switch
    {
        (FixedLenFeature x, FixedLenFeature y) => x.Kind == y.Kind && x.Shape.AsSpan().SequenceEqual(y.Shape) && Same(x.Default, y.Default),
        _ => a == b,
    };

    private static bool Same(FeatureValues? a, FeatureValues? b) =>
        a is null || b is null ? a == b : a.Int64s.SequenceEqual(b.Int64s) && a.Floats.SequenceEqual(b.Floats);

    private static string Describe(FeatureSpec feature) => feature is FixedLenFeature { Shape: var shape, Default: var values }
        ? $"FixedLen {feature.Kind} [{string.Join(", ", shape)}]{(values is null ? "" : " with a default")}"
        : $"VarLen {feature.Kind}";
}
