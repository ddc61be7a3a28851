namespace Fovea.Data;

/// <summary>bucketized_column: each number becomes the count of boundaries that are not greater; n boundaries make n + 1
/// buckets, NaN falls into the last one. As a categorical column value j has id bucket + (n + 1) * j, as a dense one it is
/// one-hot.</summary>
public sealed class BucketizedColumn : FeatureColumn, ICategoricalColumn, IDenseColumn
{
    private readonly float[] _boundaries;

    /// <summary>Creates the column.</summary>
    /// <exception cref="FeatureException">The boundaries do not ascend strictly, or the source has more than one
    /// dimension.</exception>
    public BucketizedColumn(NumericColumn source, IReadOnlyList<float> boundaries) : base(source.Name + "_bucketized")
    {
        ArgumentNullException.ThrowIfNull(boundaries);
        if (source.Shape.Count != 1)
            throw new FeatureException(Name, $"the source must have one dimension, its shape is [{string.Join(", ", source.Shape)}]");
        if (boundaries.Count == 0) throw new FeatureException(Name, "there is no boundary");
        for (var i = 0; i < boundaries.Count; i++)
            if (float.IsNaN(boundaries[i]) || (i > 0 && !(boundaries[i - 1] < boundaries[i])))
                throw new FeatureException(Name, $"boundary {i}, {boundaries[i]}, is not above the one before");
        if ((boundaries.Count + 1L) * source.Width > int.MaxValue) throw new FeatureException(Name, "too many buckets");
        Source = source;
        _boundaries = [.. boundaries];
    }

    /// <summary>The numbers.</summary>
    public NumericColumn Source { get; }

    /// <summary>Where buckets begin, ascending.</summary>
    public ReadOnlySpan<float> Boundaries => _boundaries;

    /// <inheritdoc/>
    public int Width => (_boundaries.Length + 1) * Source.Width;

    /// <inheritdoc/>
    public long BucketCount => Width;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec) => Source.AddTo(spec);

    /// <inheritdoc/>
    public void Transform(FeatureCache cache, IdBatch output)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(output);
        var values = cache.Values(Source);
        output.Begin(cache.Batch.Rows, values.Length);
        var ids = output.IdsToWrite;
        for (var i = 0; i < values.Length; i++) ids[i] = Bucket(values[i]) + (_boundaries.Length + 1) * (i % Source.Width);
        var splits = output.RowSplitsToWrite;
        for (var r = 0; r < splits.Length; r++) splits[r] = (long)r * Source.Width;
    }

    /// <inheritdoc/>
    public void Write(FeatureCache cache, Span<float> destination, int pitch)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var ids = cache.Ids(this).Ids;
        for (var i = 0; i < ids.Length; i++) destination[i / Source.Width * pitch + (int)ids[i]] = 1;
    }

    // Upper bound: the first boundary above the value. No comparison with NaN holds, so NaN passes all of them.
    private int Bucket(float value)
    {
        int low = 0, high = _boundaries.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (value < _boundaries[middle]) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
