using System.Buffers;
using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>TensorFlow's hashed cross (SparseCross, version 1), on the host and at once: one id for each combination of one
    /// value of every column of a row, the last column fastest. Values are fingerprints of strings, or integers as they are.
    /// With 0 buckets ids lie below 2^63 - 1.</summary>
    /// <param name="columns">The columns, in the order in which they are hashed.</param>
    /// <param name="key">What the hash starts from.</param>
    /// <param name="buckets">Number of different ids, or 0.</param>
    /// <param name="rowSplits">[rows + 1]: where the ids of each row begin; they leave the product of the columns' counts for
    /// it.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <exception cref="ArgumentException">Row splits descend, leave their values or do not agree with each other.</exception>
    public static void CrossHashed(ReadOnlySpan<CrossColumn> columns, ulong key, long buckets, ReadOnlySpan<long> rowSplits, Span<long> ids)
    {
        if (rowSplits.IsEmpty || rowSplits[^1] != ids.Length)
            throw new ArgumentException($"the row splits do not end with the number of ids, {ids.Length}", nameof(rowSplits));
        var native = stackalloc fovea_cross_column[columns.Length];
        var pins = ArrayPool<MemoryHandle>.Shared.Rent(2 * columns.Length);
        var pinned = 0;
        try
        {
            for (var c = 0; c < columns.Length; c++)
            {
                var (values, splits) = columns[c];
                if (splits.Length != rowSplits.Length || splits.Span[^1] != values.Length)
                    throw new ArgumentException($"the row splits of column {c} do not divide {values.Length} values into " +
                        $"{rowSplits.Length - 1} rows", nameof(columns));
                native[c].values = (long*)(pins[pinned++] = values.Pin()).Pointer;
                native[c].row_splits = (long*)(pins[pinned++] = splits.Pin()).Pointer;
            }
            fixed (long* pSplits = rowSplits, pIds = ids)
                Throw.IfFailed(NativeMethods.fovea_cross_hashed(native, columns.Length, rowSplits.Length - 1, key, buckets, pSplits, pIds),
                    "cross_hashed");
        }
        finally
        {
            for (var i = 0; i < pinned; i++) pins[i].Dispose();
            ArrayPool<MemoryHandle>.Shared.Return(pins, clearArray: true);
        }
    }
}
