using System.Text;

namespace Fovea.Data;

/// <summary>TensorFlow's cross of one row: one value of each column in every combination, the last column fastest. A column
/// without values leaves no combination.</summary>
public static class SparseCross
{
    /// <summary>The key that TensorFlow's crosses start from when none is given.</summary>
    public const ulong DefaultKey = 0xDECAFCAFFE;

    /// <summary>Hashes the combinations (tf.sparse.cross_hashed, version 1). <paramref name="columns"/> hold fingerprints of
    /// strings (<see cref="FarmHash.Fingerprint64"/>) or integers as they are. With 0 buckets ids lie below 2^63 - 1. For whole
    /// batches use <see cref="Kernels.CrossHashed"/>.</summary>
    public static long[] Hashed(IReadOnlyList<ulong[]> columns, long buckets, ulong key = DefaultKey)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentOutOfRangeException.ThrowIfNegative(buckets);
        var modulus = buckets == 0 ? long.MaxValue : (ulong)buckets;
        var ids = new List<long>();
        Visit(columns, pick =>
        {
            var hash = key;
            for (var c = 0; c < columns.Count; c++) hash = FarmHash.Concatenate(hash, columns[c][pick[c]]);
            ids.Add((long)(hash % modulus));
        });
        return [.. ids];
    }

    /// <summary>Joins the combinations (tf.sparse.cross): the texts with <paramref name="separator"/> between them.</summary>
    public static string[] Joined(IReadOnlyList<string[]> columns, string separator = "_X_")
    {
        ArgumentNullException.ThrowIfNull(columns);
        var texts = new List<string>();
        Visit(columns, pick =>
        {
            var text = new StringBuilder();
            for (var c = 0; c < columns.Count; c++) text.Append(c == 0 ? "" : separator).Append(columns[c][pick[c]]);
            texts.Add(text.ToString());
        });
        return [.. texts];
    }

    // Calls visit with the index picked in each column: a number whose digits count up from the right.
    private static void Visit<T>(IReadOnlyList<T[]> columns, Action<int[]> visit)
    {
        if (columns.Count == 0 || columns.Any(values => values.Length == 0)) return;
        var pick = new int[columns.Count];
        for (var digit = 0; digit >= 0;)
        {
            visit(pick);
            for (digit = columns.Count - 1; digit >= 0 && ++pick[digit] == columns[digit].Length; digit--) pick[digit] = 0;
        }
    }
}
