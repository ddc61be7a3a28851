using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Data;

/// <summary>Collects the entries of a map&lt;string, message&gt; and writes them in the order of their keys' bytes.</summary>
internal sealed class FeatureMapWriter
{
    private const int KeyField = 1;
    private const int ValueField = 2;

    private readonly WireWriter _entries = new();
    private readonly WireWriter _prefix = new();
    private readonly List<Entry> _index = [];
    private readonly Comparison<Entry> _compare;

    internal FeatureMapWriter() => _compare = (a, b) => Key(a).SequenceCompareTo(Key(b));

    internal int Count => _index.Count;

    /// <summary>Begins an entry; its value is then written to the result.</summary>
    internal WireWriter Begin(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var start = _entries.Length;
        Span<byte> small = stackalloc byte[256];
        _entries.WriteRaw(Encoding.UTF8.TryGetBytes(name, small, out var length) ? small[..length] : Encoding.UTF8.GetBytes(name));
        _index.Add(new Entry(start, _entries.Length, _entries.Length));
        return _entries;
    }

    internal void End() => CollectionsMarshal.AsSpan(_index)[^1].End = _entries.Length;

    /// <summary>Writes the map as field 1 of a message in field <paramref name="field"/>.</summary>
    /// <exception cref="InvalidOperationException">A name was added twice.</exception>
    internal void WriteTo(IBufferWriter<byte> output, int field)
    {
        _index.Sort(_compare);
        for (var i = 1; i < _index.Count; i++)
        {
            if (Key(_index[i]).SequenceEqual(Key(_index[i - 1])))
                throw new InvalidOperationException($"'{Encoding.UTF8.GetString(Key(_index[i]))}' was added twice");
        }
        long length = 0;
        foreach (var entry in _index)
        {
            var inner = InnerLength(entry);
            length += 1 + WireWriter.VarintLength((ulong)inner) + inner;
        }
        _prefix.Truncate(0);
        _prefix.WriteTag(field);
        _prefix.WriteVarint((ulong)length);
        foreach (var entry in _index)
        {
            _prefix.WriteTag(1);
            _prefix.WriteVarint((ulong)InnerLength(entry));
            _prefix.WriteTag(KeyField);
            _prefix.WriteBytes(Key(entry));
            _prefix.WriteTag(ValueField);
            _prefix.WriteVarint((ulong)(entry.End - entry.KeyEnd));
            output.Write(_prefix.Written);
            output.Write(_entries.Written[entry.KeyEnd..entry.End]);
            _prefix.Truncate(0);
        }
        output.Write(_prefix.Written);
    }

    internal void Clear()
    {
        _index.Clear();
        _entries.Truncate(0);
    }

    // Two tags and two lengths around key and value.
    private static int InnerLength(Entry entry)
    {
        var (key, value) = (entry.KeyEnd - entry.Start, entry.End - entry.KeyEnd);
        return 2 + WireWriter.VarintLength((ulong)key) + key + WireWriter.VarintLength((ulong)value) + value;
    }

    private ReadOnlySpan<byte> Key(Entry entry) => _entries.Written[entry.Start..entry.KeyEnd];

    private record struct Entry(int Start, int KeyEnd, int End);
}
