namespace Fovea.Data;

/// <summary>A sparse column made of features with coordinates and one with values.</summary>
internal sealed class SparseRows : IDisposable
{
    private readonly SparseFeature _spec;
    private readonly FeatureSlot _source;
    private readonly FeatureSlot[] _coordinates;
    private readonly int _rank;
    private readonly Comparison<int> _compare;
    private int[] _order = [];

    internal SparseRows(SparseFeature spec, FeatureSlot source, FeatureSlot[] coordinates, Device? device)
    {
        _spec = spec;
        _source = source;
        _coordinates = coordinates;
        _rank = 1 + coordinates.Length;
        _compare = Compare;
        Values = new FeatureSlot(new SlotPlan(spec.Name, spec.Kind), device);
        Indices = new BatchBuffer<long>(device);
    }

    internal FeatureSlot Values { get; }

    /// <summary>The row and the coordinates of each value.</summary>
    internal BatchBuffer<long> Indices { get; }

    internal void AppendRow(int row)
    {
        var start = _source.RowStart(row);
        var count = _source.RowStart(row + 1) - start;
        for (var d = 0; d < _coordinates.Length; d++) Check(row, d, count);
        var order = Order(row, count);
        var end = Values.RowStart(row);
        var indices = Indices.Reserve(((long)end + count) * _rank);
        foreach (var i in order)
        {
            indices[end * _rank] = row;
            for (var d = 0; d < _coordinates.Length; d++)
                indices[end * _rank + 1 + d] = _coordinates[d].Int64s.Span[_coordinates[d].RowStart(row) + i];
            Values.AppendValue(end++, _source, start + i);
        }
        Values.EndRow(row, end);
    }

    public void Dispose()
    {
        Values.Dispose();
        Indices.Dispose();
    }

    private void Check(int row, int dimension, int count)
    {
        var slot = _coordinates[dimension];
        var coordinates = slot.Int64s.Span[slot.RowStart(row)..slot.RowStart(row + 1)];
        var key = _spec.IndexKeys[dimension];
        if (coordinates.Length != count) throw new ExampleException($"it has {count} values, but {coordinates.Length} coordinates in '{key}'");
        foreach (var coordinate in coordinates)
        {
            if (coordinate < 0 || coordinate >= _spec.Sizes[dimension])
                throw new ExampleException($"coordinate {coordinate} in '{key}' is outside of 0 to {_spec.Sizes[dimension] - 1}");
        }
    }

    private int _row;

    // Values with equal coordinates keep their order.
    private ReadOnlySpan<int> Order(int row, int count)
    {
        if (_order.Length < count) _order = new int[Math.Max(count, 2 * _order.Length)];
        var order = _order.AsSpan(0, count);
        for (var i = 0; i < count; i++) order[i] = i;
        _row = row;
        if (!_spec.AlreadySorted) order.Sort(_compare);
        return order;
    }

    private int Compare(int a, int b)
    {
        foreach (var slot in _coordinates)
        {
            var start = slot.RowStart(_row);
            var order = slot.Int64s.Span[start + a].CompareTo(slot.Int64s.Span[start + b]);
            if (order != 0) return order;
        }
        return a.CompareTo(b);
    }
}
