namespace Fovea.Data;

/// <summary>A categorical column that maps each value of one raw feature to one id.</summary>
public abstract class KeyedCategoricalColumn : FeatureColumn, ICategoricalColumn
{
    private protected KeyedCategoricalColumn(string key, FeatureKind kind, long bucketCount) : base(key)
    {
        if (kind is not (FeatureKind.Bytes or FeatureKind.Int64))
            throw new FeatureException(key, $"a categorical column reads integers or strings, not {kind}");
        if (bucketCount < 1) throw new FeatureException(key, $"a column needs at least one bucket, not {bucketCount}");
        Kind = kind;
        BucketCount = bucketCount;
    }

    /// <summary>The raw feature; the column's name is the same.</summary>
    public string Key => Name;

    /// <summary>Type of the raw feature.</summary>
    public FeatureKind Kind { get; }

    /// <inheritdoc/>
    public long BucketCount { get; }

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.Add(new VarLenFeature(Key, Kind));
    }

    /// <inheritdoc/>
    public void Transform(FeatureCache cache, IdBatch output)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(output);
        var values = Values(cache);
        output.Begin(values.Rows, values.Count);
        Map(values, output.IdsToWrite);
        var splits = output.RowSplitsToWrite;
        if (!values.IsDense)
        {
            for (var r = 0; r < values.Rows; r++) splits[r + 1] = values.RowStart(r + 1);
            return;
        }
        var ids = output.IdsToWrite;
        var kept = 0;
        for (var r = 0; r < values.Rows; r++)
        {
            for (var i = values.RowStart(r); i < values.RowStart(r + 1); i++)
                if (!values.IsMissing(i)) ids[kept++] = ids[i];
            splits[r + 1] = kept;
        }
        output.Truncate(kept);
    }

    /// <summary>Id of each value. Values that stand for missing ones are mapped too, and dropped by the caller.</summary>
    internal abstract void Map(FeatureInput values, Span<long> ids);

    /// <summary>The raw feature of a batch, of the right type.</summary>
    internal FeatureInput Values(FeatureCache cache)
    {
        var values = cache.Raw(Key);
        return values.Kind == Kind ? values : throw new FeatureException(Key, $"the column reads {Kind}, the batch has {values.Kind}");
    }
}
