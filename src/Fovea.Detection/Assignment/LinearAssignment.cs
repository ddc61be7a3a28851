namespace Fovea.Detection.Assignment;

/// <summary>The one-to-one pairs of rows and columns whose costs have the least sum (<see cref="Kernels.LinearAssignment"/>), for numbers in
/// host memory.</summary>
public static class LinearAssignment
{
    /// <summary>The column of each row, -1 for none; min(rows, columns) pairs are made.</summary>
    /// <param name="costs">[rows][columns]; +inf forbids a pair.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <exception cref="ArgumentException">A cost is NaN or -inf, the allowed pairs do not suffice, or the sizes do not fit.</exception>
    public static int[] Solve(ReadOnlySpan<float> costs, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (costs.Length != (long)rows * columns) throw new ArgumentException($"{costs.Length} costs of {rows} rows and {columns} columns", nameof(costs));
        if (rows == 0 || columns == 0) return [.. Enumerable.Repeat(-1, rows)];
        using var stream = Device.Cpu.CreateStream();
        using var table = DeviceTensor.From(stream, costs, rows, columns);
        using var columnOf = DeviceTensor.Allocate(stream, DType.Int32, rows);
        using var total = DeviceTensor.Allocate(stream, DType.Float32, 1);
        Kernels.LinearAssignment(stream, table, counts: null, rows: null, columnOf, total);
        if (float.IsNaN(total.ToArray<float>(stream)[0]))
            throw new ArgumentException($"no assignment of {rows} rows and {columns} columns: a cost is NaN or -inf, or too many pairs are forbidden", nameof(costs));
        return columnOf.ToArray<int>(stream);
    }
}
