namespace Fovea.Data;

/// <summary>A batch and what columns made of it: each column is computed once, whoever asks, in whatever order. One cache
/// serves one thread and any number of batches, and reuses its buffers: a warm one allocates nothing.</summary>
public sealed class FeatureCache
{
    private readonly Dictionary<ICategoricalColumn, Entry> _ids = [];
    private readonly Dictionary<NumericColumn, Numbers> _numbers = [];
    private long _generation;
    private FeatureBatch? _batch;

    /// <summary>The batch.</summary>
    /// <exception cref="InvalidOperationException">There is none yet.</exception>
    public FeatureBatch Batch => _batch ?? throw new InvalidOperationException("the cache has no batch; call Reset");

    /// <summary>Takes the next batch and forgets the results of the one before.</summary>
    public FeatureCache Reset(FeatureBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _batch = batch;
        _generation++;
        return this;
    }

    /// <summary>The ids of a column for this batch; valid until <see cref="Reset"/>.</summary>
    /// <exception cref="FeatureException">The batch does not suit the column.</exception>
    public IdBatch Ids(ICategoricalColumn column)
    {
        ArgumentNullException.ThrowIfNull(column);
        _ = Batch;
        if (!_ids.TryGetValue(column, out var entry)) _ids.Add(column, entry = new Entry());
        if (entry.Generation != _generation)
        {
            column.Transform(this, entry.Ids);
            entry.Generation = _generation;
        }
        return entry.Ids;
    }

    /// <summary>The normalised numbers of a column for this batch, row by row; valid until <see cref="Reset"/>.</summary>
    /// <exception cref="FeatureException">The batch does not suit the column.</exception>
    public ReadOnlySpan<float> Values(NumericColumn column)
    {
        ArgumentNullException.ThrowIfNull(column);
        var count = checked(Batch.Rows * column.Width);
        if (!_numbers.TryGetValue(column, out var entry)) _numbers.Add(column, entry = new Numbers());
        if (entry.Generation != _generation)
        {
            if (entry.Values.Length < count) entry.Values = new float[count];
            column.Transform(this, entry.Values.AsSpan(0, count));
            entry.Generation = _generation;
        }
        return entry.Values.AsSpan(0, count);
    }

    /// <summary>A raw feature.</summary>
    /// <exception cref="FeatureException">The batch has no such feature.</exception>
    public FeatureInput Raw(string key) =>
        Batch.TryGet(key, out var values) ? values : throw new FeatureException(key, "the batch has no such feature");

    private sealed class Numbers
    {
        public float[] Values = [];
        public long Generation;
    }

    private sealed class Entry
    {
        public readonly IdBatch Ids = new();
        public long Generation;
    }
}
