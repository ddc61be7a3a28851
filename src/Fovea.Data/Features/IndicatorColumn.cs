namespace Fovea.Data;

/// <summary>indicator_column: how often each id occurs in a row, or the sum of its weights. Negative ids count
/// nowhere.</summary>
public sealed class IndicatorColumn : FeatureColumn, IDenseColumn
{
    /// <summary>Creates the column.</summary>
    /// <exception cref="FeatureException">The column has more than 2^31 - 1 buckets.</exception>
    public IndicatorColumn(ICategoricalColumn categorical) : base(categorical.Name + "_indicator")
    {
        if (categorical.BucketCount > int.MaxValue)
            throw new FeatureException(Name, $"{categorical.BucketCount} buckets are too many for an indicator");
        Categorical = categorical;
    }

    /// <summary>The ids.</summary>
    public ICategoricalColumn Categorical { get; }

    /// <inheritdoc/>
    public int Width => (int)Categorical.BucketCount;

    /// <inheritdoc/>
    public override bool IsSequence => Categorical.IsSequence;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec) => Categorical.AddTo(spec);

    /// <inheritdoc/>
    public void Write(FeatureCache cache, Span<float> destination, int pitch)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var batch = cache.Ids(Categorical);
        ReadOnlySpan<long> ids = batch.Ids, splits = batch.RowSplits;
        var weights = batch.Weights;
        for (var r = 0; r < batch.Rows; r++)
            for (var i = (int)splits[r]; i < (int)splits[r + 1]; i++)
                if ((ulong)ids[i] < (ulong)Width) destination[r * pitch + (int)ids[i]] += weights.IsEmpty ? 1 : weights[i];
    }
}
