namespace Fovea.Data;

/// <summary>Ids made ready for a combined look-up: those that count, the row each belongs to, and what the row's sum is divided
/// by. These are the rules of TensorFlow's safe_embedding_lookup_sparse: negative ids drop out, and for mean and sqrtn weights
/// that are not positive. Buffers are reused.</summary>
public sealed class BagBatch
{
    private long[] _ids = [];
    private int[] _rows = [];
    private float[] _weights = [], _divisors = [];
    private bool _hasWeights, _hasDivisors;

    /// <summary>Number of rows of the result.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows of the table to look up, in the order of the batch.</summary>
    public ReadOnlySpan<long> Ids => _ids.AsSpan(0, Count);

    /// <summary>For each id, the row of the result it belongs to; never descending.</summary>
    public ReadOnlySpan<int> IdRows => _rows.AsSpan(0, Count);

    /// <summary>For each id, the factor of its embedding; empty where all are 1.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, _hasWeights ? Count : 0);

    /// <summary>For each row, what its sum is divided by, 1 for rows without ids; empty for sums.</summary>
    public ReadOnlySpan<float> Divisors => _divisors.AsSpan(0, _hasDivisors ? Rows : 0);

    /// <summary>Number of ids.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the ids of a batch; returns itself.</summary>
    public BagBatch Prepare(IdBatch batch, Combiner combiner)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Rows = batch.Rows;
        _hasWeights = batch.HasWeights;
        _hasDivisors = combiner != Combiner.Sum;
        Grow(ref _ids, batch.Count);
        Grow(ref _rows, batch.Count);
        Grow(ref _weights, _hasWeights ? batch.Count : 0);
        Grow(ref _divisors, _hasDivisors ? Rows : 0);
        var count = 0;
        for (var r = 0; r < Rows; r++)
        {
            var ids = batch.Row(r);
            var weights = batch.RowWeights(r);
            var sum = 0f;
            for (var i = 0; i < ids.Length; i++)
            {
                var weight = weights.IsEmpty ? 1 : weights[i];
                if (ids[i] < 0 || (_hasDivisors && !(weight > 0))) continue;
                _ids[count] = ids[i];
                _rows[count] = r;
                if (_hasWeights) _weights[count] = weight;
                sum += combiner == Combiner.SqrtN ? weight * weight : weight;
                count++;
            }
            if (_hasDivisors) _divisors[r] = sum == 0 ? 1 : combiner == Combiner.SqrtN ? MathF.Sqrt(sum) : sum;
        }
        Count = count;
        return this;
    }

    /// <summary>Adds ids of -1 that belong to row -1 until there are <paramref name="count"/>: programs that were recorded for
    /// one size take every batch. Returns itself.</summary>
    /// <exception cref="ArgumentException">There are more ids already.</exception>
    public BagBatch PadTo(int count)
    {
        if (Count > count) throw new ArgumentException($"the batch has {Count} ids, more than {count}", nameof(count));
        Resize(ref _ids, count);
        Resize(ref _rows, count);
        if (_hasWeights) Resize(ref _weights, count);
        _ids.AsSpan(Count, count - Count).Fill(-1);
        _rows.AsSpan(Count, count - Count).Fill(-1);
        if (_hasWeights) _weights.AsSpan(Count, count - Count).Clear();
        Count = count;
        return this;
    }

    /// <summary>Adds the combined embeddings of the rows to <paramref name="output"/> [<see cref="Rows"/>][dimension], which is
    /// zero where the batch has divisors.</summary>
    /// <param name="stream">Where the work is enqueued.</param>
    /// <param name="table">[buckets][dimension], Float32.</param>
    /// <param name="maxNorm">As in <see cref="EmbeddingBag.Forward"/>.</param>
    /// <param name="output">May be a slice of columns.</param>
    public void Lookup(DeviceStream stream, DeviceTensor table, float? maxNorm, DeviceTensor output)
    {
        if (Count == 0) return;
        using var ids = DeviceTensor.From(stream, Ids, Count);
        using var rows = DeviceTensor.From(stream, IdRows, Count);
        using var weights = Column(stream, Weights);
        using var divisors = Column(stream, Divisors);
        EmbeddingBag.Forward(stream, table, ids, rows, weights, divisors, output, maxNorm);
    }

    private static DeviceTensor? Column(DeviceStream stream, ReadOnlySpan<float> values) =>
        values.IsEmpty ? null : DeviceTensor.From(stream, values, values.Length, 1);

    private static void Resize<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) Array.Resize(ref buffer, count);
    }

    private static void Grow<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) buffer = new T[Math.Max(count, (int)Math.Min(2L * buffer.Length, Array.MaxLength))];
    }
}
