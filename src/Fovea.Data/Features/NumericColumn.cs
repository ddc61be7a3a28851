namespace Fovea.Data;

/// <summary>numeric_column: a fixed number of floats a row. The normaliser sees the raw value; its result becomes a
/// float.</summary>
public sealed class NumericColumn : FeatureColumn, IDenseColumn
{
    /// <summary>Creates the column.</summary>
    /// <param name="key">Raw feature, dense; the column's name is the same.</param>
    /// <param name="shape">Shape of a row's values; null for one value.</param>
    /// <param name="defaultValue">Value of records without the feature; null: it must be there.</param>
    /// <param name="normalizer">Applied to each value, or null.</param>
    /// <param name="kind">Type of the raw feature, floats or integers.</param>
    /// <exception cref="FeatureException">A dimension is not positive, or the kind is neither.</exception>
    public NumericColumn(string key, IReadOnlyList<int>? shape = null, double? defaultValue = null, Func<double, double>? normalizer = null,
        FeatureKind kind = FeatureKind.Float) : base(key)
    {
        if (kind is not (FeatureKind.Float or FeatureKind.Int64))
            throw new FeatureException(key, $"a numeric column reads numbers, not {kind}");
        Shape = shape is null ? [1] : [.. shape];
        Width = WidthOf(key, Shape);
        DefaultValue = defaultValue;
        Normalizer = normalizer;
        Kind = kind;
    }

    /// <summary>The raw feature.</summary>
    public string Key => Name;

    /// <summary>Shape of a row's values.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>Value of records without the feature.</summary>
    public double? DefaultValue { get; }

    /// <summary>Applied to each value.</summary>
    public Func<double, double>? Normalizer { get; }

    /// <summary>Type of the raw feature.</summary>
    public FeatureKind Kind { get; }

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.Add(new FixedLenFeature(Key, Kind, [.. Shape]) { Default = DefaultValue is { } value ? Repeat(value) : null });
    }

    /// <inheritdoc/>
    public void Write(FeatureCache cache, Span<float> destination, int pitch)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var values = cache.Values(this);
        for (var r = 0; r < cache.Batch.Rows; r++) values.Slice(r * Width, Width).CopyTo(destination[(r * pitch)..]);
    }

    internal void Transform(FeatureCache cache, Span<float> output)
    {
        var values = cache.Raw(Key);
        if (!values.IsDense)
            throw new FeatureException(Name, "a numeric column needs a dense feature (FixedLen), the batch has a sparse one");
        for (var r = 0; r < values.Rows; r++)
            if (values.RowStart(r + 1) - values.RowStart(r) is var count && count != Width)
                throw new FeatureException(Name, $"row {r} has {count} values, the column has {Width}");
        Normalize(Name, values, Kind, Normalizer, output);
    }

    internal static void Normalize(string column, FeatureInput values, FeatureKind kind, Func<double, double>? normalizer, Span<float> output)
    {
        if (values.Kind != kind) throw new FeatureException(column, $"the column reads {kind}, the batch has {values.Kind}");
        if (kind == FeatureKind.Float && normalizer is null)
        {
            values.Floats.Span.CopyTo(output);
            return;
        }
        for (var i = 0; i < values.Count; i++)
        {
            var value = kind == FeatureKind.Float ? (double)values.Floats.Span[i] : values.Integers.Span[i];
            output[i] = (float)(normalizer?.Invoke(value) ?? value);
        }
    }

    private FeatureValues Repeat(double value) => Kind == FeatureKind.Float
        ? FeatureValues.Of(Enumerable.Repeat((float)value, Width).ToArray())
        : FeatureValues.Of(Enumerable.Repeat((long)value, Width).ToArray());

    internal static int WidthOf(string key, IReadOnlyList<int> shape)
    {
        long width = 1;
        foreach (var size in shape)
            if (size < 1 || (width *= size) > int.MaxValue)
                throw new FeatureException(key, $"shape [{string.Join(", ", shape)}] has no size");
        return (int)width;
    }
}
