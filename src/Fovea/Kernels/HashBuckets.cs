using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>TensorFlow's string_to_hash_bucket_fast, on the host and at once: ids[i] = Fingerprint64 of bytes [offsets[i],
    /// offsets[i + 1]) modulo <paramref name="buckets"/>, unsigned; 0 buckets give the fingerprint itself.</summary>
    /// <exception cref="ArgumentException">The offsets descend or leave the bytes, or there is not one id for each
    /// string.</exception>
    public static void HashBuckets(ReadOnlySpan<byte> bytes, ReadOnlySpan<long> offsets, long buckets, Span<long> ids)
    {
        if (offsets.Length != ids.Length + 1)
            throw new ArgumentException($"{ids.Length} strings have {ids.Length + 1} offsets, not {offsets.Length}", nameof(offsets));
        fixed (byte* pBytes = bytes)
        fixed (long* pOffsets = offsets, pIds = ids)
            Throw.IfFailed(NativeMethods.fovea_hash_buckets(pBytes, bytes.Length, pOffsets, ids.Length, buckets, pIds), "hash_buckets");
    }

    /// <summary>As <see cref="HashBuckets(ReadOnlySpan{byte}, ReadOnlySpan{long}, long, Span{long})"/>, of the decimal text of
    /// integers (as_string). <paramref name="ids"/> may be <paramref name="values"/>.</summary>
    /// <exception cref="ArgumentException">There is not one id for each value.</exception>
    public static void HashBuckets(ReadOnlySpan<long> values, long buckets, Span<long> ids)
    {
        if (values.Length != ids.Length)
            throw new ArgumentException($"{values.Length} values do not make {ids.Length} ids", nameof(ids));
        fixed (long* pValues = values, pIds = ids)
            Throw.IfFailed(NativeMethods.fovea_hash_integers(pValues, ids.Length, buckets, pIds), "hash_integers");
    }
}
