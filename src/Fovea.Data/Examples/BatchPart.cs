using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fovea.Data;

/// <summary>The columns of a batch that come from one map of the record: the features, or the feature lists.</summary>
internal sealed class BatchPart : IDisposable
{
    private readonly ParsePlan _plan;
    private readonly FeatureSlot[] _slots;
    private readonly ColumnBuffers[] _derived;
    private readonly ExampleColumn[] _columns;

    // Where the message of each slot lies in the record; a length of -1 where there is none.
    private readonly (int Start, int Length)[] _found;

    // The slot of the n-th feature of the record before.
    private int[] _order = new int[16];

    internal BatchPart(ExampleBatch batch, ParsePlan plan, Device? device)
    {
        _plan = plan;
        _slots = [.. plan.Slots.Select(slot => new FeatureSlot(slot, device))];
        _derived = [.. plan.Columns.Select(column => new ColumnBuffers(column, _slots, device))];
        _columns = [.. plan.Columns.Select((column, i) => new ExampleColumn(batch, column, plan, _slots, _derived[i]))];
        _found = new (int, int)[_slots.Length];
    }

    internal IReadOnlyList<ExampleColumn> Columns => _columns;

    internal ExampleColumn Find(string name)
    {
        foreach (var column in _columns)
            if (column.Name == name) return column;
        throw new KeyNotFoundException($"the parser has no feature '{name}'");
    }

    /// <summary>Finds the slots' messages in the map in field <paramref name="field"/>. The last one of a name counts, unless
    /// it has no list and so is none.</summary>
    internal void Locate(ReadOnlySpan<byte> record, int field)
    {
        _found.AsSpan().Fill((0, -1));
        var map = new FeatureMapReader(record, field);
        for (var n = 0; map.MoveNext(); n++)
        {
            if (n == _order.Length) Array.Resize(ref _order, 2 * n);
            var slot = _plan.Keys.Find(map.Key, _order[n]);
            if (slot < 0) continue;
            _order[n] = slot;
            var start = map.Value.IsEmpty ? 0 : (int)Unsafe.ByteOffset(
                ref MemoryMarshal.GetReference(record), ref MemoryMarshal.GetReference(map.Value));
            _found[slot] = (start, map.Value.Length);
        }
    }

    internal void Append(int row, ReadOnlySpan<byte> record, ref string? key)
    {
        for (var i = 0; i < _slots.Length; i++)
        {
            key = _plan.Slots[i].Key;
            var (start, length) = _found[i];
            if (length > 0) _slots[i].Append(row, new FeatureView(default, record.Slice(start, length)));
            else _slots[i].AppendMissing(row);
        }
        foreach (var column in _columns)
        {
            key = column.Name;
            column.AppendRow(row);
        }
    }

    internal void AppendLists(int row, ReadOnlySpan<byte> record, ref string? key)
    {
        for (var i = 0; i < _slots.Length; i++)
        {
            key = _plan.Slots[i].Key;
            var (start, length) = _found[i];
            // A list of no steps is there, and has none.
            if (length >= 0) _slots[i].AppendList(row, new FeatureListView(default, record.Slice(start, length)));
            else _slots[i].AppendMissing(row);
        }
    }

    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
        foreach (var buffers in _derived) buffers.Dispose();
    }
}
