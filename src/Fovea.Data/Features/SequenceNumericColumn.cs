using System.Buffers;

namespace Fovea.Data;

/// <summary>sequence_numeric_column: any number of steps a row, each of a fixed number of floats. Steps that a row has not are
/// filled with the default, which is not normalised.</summary>
public sealed class SequenceNumericColumn : FeatureColumn, IDenseColumn
{
    /// <summary>Creates the column; parameters as in <see cref="NumericColumn"/>.</summary>
    /// <exception cref="FeatureException">A dimension is not positive, or the kind is neither floats nor integers.</exception>
    public SequenceNumericColumn(string key, IReadOnlyList<int>? shape = null, float defaultValue = 0,
        Func<double, double>? normalizer = null, FeatureKind kind = FeatureKind.Float) : base(key)
    {
        if (kind is not (FeatureKind.Float or FeatureKind.Int64))
            throw new FeatureException(key, $"a numeric column reads numbers, not {kind}");
        Shape = shape is null ? [1] : [.. shape];
        Width = NumericColumn.WidthOf(key, Shape);
        DefaultValue = defaultValue;
        Normalizer = normalizer;
        Kind = kind;
    }

    /// <summary>The raw feature.</summary>
    public string Key => Name;

    /// <summary>Shape of a step.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>Value of padding.</summary>
    public float DefaultValue { get; }

    /// <summary>Applied to each value.</summary>
    public Func<double, double>? Normalizer { get; }

    /// <summary>Type of the raw feature.</summary>
    public FeatureKind Kind { get; }

    /// <inheritdoc/>
    public override bool IsSequence => true;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.AddSequence(new VarLenFeature(Key, Kind));
    }

    /// <summary>Writes the number of steps of each row and returns the largest.</summary>
    /// <exception cref="FeatureException">The values of a row are not a whole number of steps.</exception>
    public int Measure(FeatureCache cache, Span<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var values = cache.Raw(Key);
        CheckSteps(values);
        var most = 0;
        for (var r = 0; r < values.Rows; r++)
        {
            var count = values.RowStart(r + 1) - values.RowStart(r);
            if (count % Width != 0)
                throw new FeatureException(Name, $"row {r} has {count} values, which are no steps of {Width}");
            lengths[r] = count / Width;
            most = Math.Max(most, lengths[r]);
        }
        return most;
    }

    /// <inheritdoc/>
    public void Write(FeatureCache cache, Span<float> destination, int pitch)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var values = cache.Raw(Key);
        var lengths = ArrayPool<int>.Shared.Rent(values.Rows);
        var numbers = ArrayPool<float>.Shared.Rent(values.Count);
        try
        {
            var steps = Measure(cache, lengths);
            NumericColumn.Normalize(Name, values, Kind, Normalizer, numbers);
            for (var r = 0; r < values.Rows; r++)
                for (var t = 0; t < steps; t++)
                {
                    var step = destination.Slice((r * steps + t) * pitch, Width);
                    if (t < lengths[r]) numbers.AsSpan(values.RowStart(r) + t * Width, Width).CopyTo(step);
                    else step.Fill(DefaultValue);
                }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(lengths);
            ArrayPool<float>.Shared.Return(numbers);
        }
    }

    // Where the steps are known, none may have too few values: those of the next step would move into it.
    private void CheckSteps(FeatureInput values)
    {
        var splits = values.StepSplits.Span;
        for (var s = 0; s + 1 < splits.Length; s++)
            if (splits[s + 1] - splits[s] != Width)
                throw new FeatureException(Name, $"step {s} has {splits[s + 1] - splits[s]} values, the column has {Width}");
    }
}
