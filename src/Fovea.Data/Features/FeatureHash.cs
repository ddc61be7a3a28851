using System.Buffers.Text;

namespace Fovea.Data;

/// <summary>TensorFlow's hash buckets of single values. Remainders are unsigned: a hash of 2^63 or more is no special
/// case.</summary>
public static class FeatureHash
{
    /// <summary>Longest decimal text of a 64-bit integer, sign included.</summary>
    internal const int LongestInteger = 20;

    /// <summary>string_to_hash_bucket_fast: Fingerprint64 of the bytes modulo <paramref name="buckets"/>.</summary>
    public static long Bucket(ReadOnlySpan<byte> value, long buckets) => Reduce(FarmHash.Fingerprint64(value), buckets);

    /// <summary>The bucket of an integer, which is that of its decimal text (as_string).</summary>
    public static long Bucket(long value, long buckets) => Reduce(Fingerprint(value), buckets);

    /// <summary>string_to_hash_bucket_strong: SipHash of the bytes modulo <paramref name="buckets"/>.</summary>
    public static long StrongBucket(ReadOnlySpan<byte> value, ulong key0, ulong key1, long buckets) =>
        Reduce(SipHash.Hash(value, key0, key1), buckets);

    /// <summary>As <see cref="StrongBucket(ReadOnlySpan{byte}, ulong, ulong, long)"/>, of an integer's decimal text.</summary>
    public static long StrongBucket(long value, ulong key0, ulong key1, long buckets)
    {
        Span<byte> text = stackalloc byte[LongestInteger];
        Utf8Formatter.TryFormat(value, text, out var length);
        return StrongBucket(text[..length], key0, key1, buckets);
    }

    internal static ulong Fingerprint(long value)
    {
        Span<byte> text = stackalloc byte[LongestInteger];
        Utf8Formatter.TryFormat(value, text, out var length);
        return FarmHash.Fingerprint64(text[..length]);
    }

    private static long Reduce(ulong hash, long buckets)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        return (long)(hash % (ulong)buckets);
    }
}
