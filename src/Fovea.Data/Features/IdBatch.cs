namespace Fovea.Data;

/// <summary>What a categorical column makes of a batch: ids, row by row (compressed sparse rows), and weights where the column
/// has them. Row r has ids [RowSplits[r], RowSplits[r + 1]). Negative ids stand for values without a bucket. Of a sequence
/// column the rows are steps: row b * Steps + t is step t of row b of the batch. Buffers are reused by the next
/// batch.</summary>
public sealed class IdBatch
{
    private long[] _ids = [], _rowSplits = new long[1];
    private float[] _weights = [];
    private int[] _lengths = [];
    private int _sequences;

    /// <summary>Number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Number of ids.</summary>
    public int Count { get; private set; }

    /// <summary>Whether ids carry weights.</summary>
    public bool HasWeights { get; private set; }

    /// <summary>Most steps of a row of a sequence column; 0 for other columns.</summary>
    public int Steps { get; private set; }

    /// <summary>The ids.</summary>
    public ReadOnlySpan<long> Ids => _ids.AsSpan(0, Count);

    /// <summary>[rows + 1], from 0.</summary>
    public ReadOnlySpan<long> RowSplits => _rowSplits.AsSpan(0, Rows + 1);

    /// <summary>One weight an id; empty without weights.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, HasWeights ? Count : 0);

    /// <summary>Of a sequence column: for each row of the batch, the number of its steps up to the last one that has an
    /// id.</summary>
    public ReadOnlySpan<int> Lengths => _lengths.AsSpan(0, _sequences);

    /// <summary>Ids of one row.</summary>
    public ReadOnlySpan<long> Row(int row) => _ids.AsSpan(Start(row), Start(row + 1) - Start(row));

    /// <summary>Weights of one row; empty without weights.</summary>
    public ReadOnlySpan<float> RowWeights(int row) => HasWeights ? _weights.AsSpan(Start(row), Start(row + 1) - Start(row)) : [];

    /// <summary>Makes room for a column's output. Everything in the spans that follow is the column's to write.</summary>
    public void Begin(int rows, long count, bool hasWeights = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength);
        Rows = rows;
        Count = (int)count;
        HasWeights = hasWeights;
        Steps = _sequences = 0;
        Grow(ref _rowSplits, rows + 1);
        Grow(ref _ids, Count);
        if (hasWeights) Grow(ref _weights, Count);
        _rowSplits[0] = 0;
    }

    /// <summary>The ids, to be written.</summary>
    public Span<long> IdsToWrite => _ids.AsSpan(0, Count);

    /// <summary>The row splits, to be written.</summary>
    public Span<long> RowSplitsToWrite => _rowSplits.AsSpan(0, Rows + 1);

    /// <summary>The weights, to be written.</summary>
    public Span<float> WeightsToWrite => _weights.AsSpan(0, HasWeights ? Count : 0);

    internal ReadOnlyMemory<long> IdMemory => _ids.AsMemory(0, Count);

    internal ReadOnlyMemory<long> RowSplitMemory => _rowSplits.AsMemory(0, Rows + 1);

    /// <summary>Declares the rows to be the steps of <paramref name="sequences"/> sequences; returns their lengths, to be
    /// written.</summary>
    internal Span<int> BeginSequences(int sequences, int steps)
    {
        Steps = steps;
        _sequences = sequences;
        Grow(ref _lengths, sequences);
        return _lengths.AsSpan(0, sequences);
    }

    /// <summary>Forgets the ids beyond <paramref name="count"/>.</summary>
    internal void Truncate(int count) => Count = count;

    private int Start(int row) => (int)RowSplits[row];

    private static void Grow<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) Array.Resize(ref buffer, Math.Max(count, (int)Math.Min(2L * buffer.Length, Array.MaxLength)));
    }
}
