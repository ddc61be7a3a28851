namespace Fovea.Data;

/// <summary>Some records in a row, which it copies where they would not stay. Its memory serves again after
/// <see cref="Clear"/>.</summary>
internal sealed class RecordBlock
{
    private readonly List<ReadOnlyMemory<byte>> _records = [];
    private byte[] _bytes = [];
    private int _used;

    internal int Count => _records.Count;

    /// <summary>Bytes of all records.</summary>
    internal long Bytes { get; private set; }

    internal ReadOnlyMemory<byte> this[int index] => _records[index];

    internal void Add(ReadOnlyMemory<byte> record, bool stays)
    {
        Bytes += record.Length;
        if (stays)
        {
            _records.Add(record);
            return;
        }
        if (_bytes.Length - _used < record.Length)
        {
            // Records that were added keep the old memory; the next round fits into the new one.
            _bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, Math.Max(2L * _bytes.Length, 2L * record.Length)));
            _used = 0;
        }
        var copy = _bytes.AsMemory(_used, record.Length);
        record.CopyTo(copy);
        _records.Add(copy);
        _used += record.Length;
    }

    internal void Clear()
    {
        _records.Clear();
        Bytes = 0;
        _used = 0;
    }
}
