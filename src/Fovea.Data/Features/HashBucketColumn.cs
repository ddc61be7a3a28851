namespace Fovea.Data;

/// <summary>categorical_column_with_hash_bucket: id = Fingerprint64 of the value modulo the number of buckets; integers are
/// hashed as decimal text.</summary>
public sealed class HashBucketColumn(string key, long buckets, FeatureKind kind = FeatureKind.Bytes)
    : KeyedCategoricalColumn(key, kind, buckets)
{
    internal override void Map(FeatureInput values, Span<long> ids)
    {
        if (Kind == FeatureKind.Bytes) Kernels.HashBuckets(values.Bytes.Span, values.Offsets.Span, BucketCount, ids);
        else Kernels.HashBuckets(values.Integers.Span, BucketCount, ids);
    }
}
