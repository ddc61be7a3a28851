namespace Fovea.Data;

/// <summary>weighted_categorical_column: the ids of a column, each with a weight from a second raw feature. Every row must have
/// as many weights as ids.</summary>
public sealed class WeightedCategoricalColumn : FeatureColumn, ICategoricalColumn
{
    /// <summary>Creates the column.</summary>
    /// <exception cref="FeatureException">The column is a sequence.</exception>
    public WeightedCategoricalColumn(ICategoricalColumn categorical, string weightKey)
        : base($"{categorical.Name}_weighted_by_{weightKey}")
    {
        ArgumentException.ThrowIfNullOrEmpty(weightKey);
        if (categorical.IsSequence)
            throw new FeatureException(Name, $"{categorical.Name} is a sequence, which cannot be weighted");
        Categorical = categorical;
        WeightKey = weightKey;
    }

    /// <summary>The ids.</summary>
    public ICategoricalColumn Categorical { get; }

    /// <summary>The raw feature of the weights, floats.</summary>
    public string WeightKey { get; }

    /// <inheritdoc/>
    public long BucketCount => Categorical.BucketCount;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Categorical.AddTo(spec);
        spec.Add(new VarLenFeature(WeightKey, FeatureKind.Float));
    }

    /// <inheritdoc/>
    public void Transform(FeatureCache cache, IdBatch output)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(output);
        var ids = cache.Ids(Categorical);
        var weights = cache.Raw(WeightKey);
        if (weights.Kind != FeatureKind.Float)
            throw new FeatureException(WeightKey, $"weights are floats, the batch has {weights.Kind}");
        output.Begin(ids.Rows, ids.Count, hasWeights: true);
        ids.Ids.CopyTo(output.IdsToWrite);
        ids.RowSplits.CopyTo(output.RowSplitsToWrite);
        var kept = 0;
        for (var r = 0; r < ids.Rows; r++)
        {
            var end = (int)ids.RowSplits[r + 1];
            for (var i = weights.RowStart(r); i < weights.RowStart(r + 1); i++)
            {
                if (weights.IsDense && weights.IsMissing(i)) continue;
                if (kept < end) output.WeightsToWrite[kept] = weights.Floats.Span[i];
                kept++;
            }
            if (kept != end)
                throw new FeatureException(Name, $"row {r} has {end - ids.RowSplits[r]} ids and {kept - ids.RowSplits[r]} weights");
        }
    }
}
