namespace Fovea.Data;

/// <summary>categorical_column_with_identity: the integer is the id. An id outside [0, buckets) becomes the default, or is an
/// error where there is none.</summary>
public sealed class IdentityColumn : KeyedCategoricalColumn
{
    /// <summary>Creates the column.</summary>
    /// <exception cref="FeatureException">The default is not an id.</exception>
    public IdentityColumn(string key, long buckets, long? defaultId = null) : base(key, FeatureKind.Int64, buckets)
    {
        if (defaultId < 0 || defaultId >= buckets)
            throw new FeatureException(key, $"the default {defaultId} is not an id below {buckets}");
        DefaultId = defaultId;
    }

    /// <summary>Id of values that are none; null makes them an error.</summary>
    public long? DefaultId { get; }

    internal override void Map(FeatureInput values, Span<long> ids)
    {
        var integers = values.Integers.Span;
        for (var i = 0; i < integers.Length; i++)
        {
            var id = integers[i];
            if ((ulong)id >= (ulong)BucketCount && !(values.IsDense && values.IsMissing(i)))
                id = DefaultId ?? throw new FeatureException(Name, $"{id} is not an id below {BucketCount}, and there is no default");
            ids[i] = id;
        }
    }
}
