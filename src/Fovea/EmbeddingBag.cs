namespace Fovea;

/// <summary>Combined embedding look-up, from kernels that add in the order of the ids: the same bits on every run. Ids outside
/// the table count as zeros and ids of rows outside the result not at all, so either may be -1 for padding.
/// <para>table [buckets][dimension], ids [n] Int64 or Int32, idRows [n] likewise: the row that each id belongs to, weights
/// [n][1] and divisors [rows][1] or null; all others Float32.</para></summary>
public static class EmbeddingBag
{
    private static readonly ReduceOptions RowNorm = ReduceOptions.Over(ReduceOp.L2, 1);

    /// <summary>output[r] += sum of weight * table[id] over the ids of row r, then divided by the divisor of the row.</summary>
    /// <param name="stream">Where the work is enqueued.</param>
    /// <param name="table">The embeddings.</param>
    /// <param name="ids">What to look up.</param>
    /// <param name="idRows">Where it is added.</param>
    /// <param name="weights">Factor of each embedding, or null.</param>
    /// <param name="divisors">Divisor of each row, or null.</param>
    /// <param name="output">[rows][dimension]; may be a slice of columns. With divisors all zeros.</param>
    /// <param name="maxNorm">Longer embeddings are shortened to this L2 norm first; null for none.</param>
    public static void Forward(DeviceStream stream, DeviceTensor table, DeviceTensor ids, DeviceTensor idRows, DeviceTensor? weights,
        DeviceTensor? divisors, DeviceTensor output, float? maxNorm = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(ids);
        if (table.Rank != 2 || ids.Rank != 1) throw new ArgumentException($"embedding_bag: ids {ids} of table {table}");
        using var picked = DeviceTensor.Allocate(stream, table.DType, ids.Shape[0], table.Shape[1]);
        Kernels.GatherRows(stream, table, ids, picked);
        if (maxNorm is { } norm) Clip(stream, picked, norm);
        if (weights is not null) Kernels.Binary(stream, BinaryOp.Mul, picked, weights, picked);
        Kernels.ScatterAddRows(stream, picked, idRows, output);
        if (divisors is not null) Kernels.Binary(stream, BinaryOp.Div, output, divisors, output);
    }

    /// <summary>The gradient of the table: dTable[id] += weight * dOutput[row of the id] / divisor of that row. dTable is not
    /// cleared first; only the rows looked up are touched.</summary>
    public static void Backward(DeviceStream stream, DeviceTensor dOutput, DeviceTensor ids, DeviceTensor idRows, DeviceTensor? weights,
        DeviceTensor? divisors, DeviceTensor dTable)
    {
        ArgumentNullException.ThrowIfNull(dOutput);
        ArgumentNullException.ThrowIfNull(ids);
        using var picked = DeviceTensor.Allocate(stream, dOutput.DType, ids.Shape[0], dOutput.Shape[1]);
        if (divisors is null)
        {
            Kernels.GatherRows(stream, dOutput, idRows, picked);
        }
        else
        {
            using var divided = DeviceTensor.Allocate(stream, dOutput.DType, dOutput.Shape);
            Kernels.Binary(stream, BinaryOp.Div, dOutput, divisors, divided);
            Kernels.GatherRows(stream, divided, idRows, picked);
        }
        if (weights is not null) Kernels.Binary(stream, BinaryOp.Mul, picked, weights, picked);
        Kernels.ScatterAddRows(stream, picked, ids, dTable);
    }

    // TensorFlow's clip_by_norm: x * norm / max(|x|, norm).
    private static void Clip(DeviceStream stream, DeviceTensor x, float norm)
    {
        using var bound = DeviceTensor.From<float>(stream, [norm], 1, 1);
        using var lengths = DeviceTensor.Allocate(stream, x.DType, x.Shape[0], 1);
        Kernels.Reduce(stream, RowNorm, x, lengths);
        Kernels.Binary(stream, BinaryOp.Max, lengths, bound, lengths);
        Kernels.Binary(stream, BinaryOp.Mul, x, bound, x);
        Kernels.Binary(stream, BinaryOp.Div, x, lengths, x);
    }
}
