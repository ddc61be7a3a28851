namespace Fovea.Data;

/// <summary>Combined embedding look-up on a device. Sums run in the order of the batch on every device.</summary>
public static class EmbeddingBag
{
    private static readonly ReduceOptions RowNorm = ReduceOptions.Over(ReduceOp.L2, 1);

    /// <summary>output[r] = sum of weight * table[id] over the ids of row r, divided by the row's divisor. Ids outside the table count as
    /// zeros.</summary>
    /// <param name="stream">Where the work is enqueued.</param>
    /// <param name="table">[buckets][dimension], Float32.</param>
    /// <param name="bag">The ids.</param>
    /// <param name="maxNorm">Longer embeddings are shortened to this L2 norm first; null for none.</param>
    /// <param name="output">[bag rows][dimension], Float32, all zeros; may be a slice of columns.</param>
    public static void Forward(DeviceStream stream, DeviceTensor table, BagBatch bag, float? maxNorm, DeviceTensor output)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(bag);
        ArgumentNullException.ThrowIfNull(output);
        if (bag.Count == 0) return;
        using var ids = DeviceTensor.From(stream, bag.Ids, bag.Count);
        using var rows = DeviceTensor.From(stream, bag.IdRows, bag.Count);
        using var picked = DeviceTensor.Allocate(stream, DType.Float32, bag.Count, table.Shape[1]);
        Kernels.GatherRows(stream, table, ids, picked);
        if (maxNorm is { } norm) Clip(stream, picked, norm);
        if (!bag.Weights.IsEmpty) Scale(stream, BinaryOp.Mul, picked, bag.Weights);
        Kernels.ScatterAddRows(stream, picked, rows, output);
        if (!bag.Divisors.IsEmpty) Scale(stream, BinaryOp.Div, output, bag.Divisors);
    }

    // x[r] = x[r] op factors[r]
    private static void Scale(DeviceStream stream, BinaryOp op, DeviceTensor x, ReadOnlySpan<float> factors)
    {
        using var column = DeviceTensor.From(stream, factors, factors.Length, 1);
        Kernels.Binary(stream, op, x, column, x);
    }

    // TensorFlow's clip_by_norm: x * norm / max(|x|, norm).
    private static void Clip(DeviceStream stream, DeviceTensor x, float norm)
    {
        using var bound = DeviceTensor.From<float>(stream, [norm], 1, 1);
        using var lengths = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], 1);
        Kernels.Reduce(stream, RowNorm, x, lengths);
        Kernels.Binary(stream, BinaryOp.Max, lengths, bound, lengths);
        Kernels.Binary(stream, BinaryOp.Mul, x, bound, x);
        Kernels.Binary(stream, BinaryOp.Div, x, lengths, x);
    }
}
