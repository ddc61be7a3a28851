using System.Buffers.Binary;
using System.Text;

namespace Fovea.Data;

/// <summary>
/// Reads a FlatBuffer from untrusted bytes: every offset, size and count is checked before it is used, and what is copied
/// out (names, shapes, lists) draws on a budget tied to the file's size, so overlapping vectors cannot multiply memory.
/// </summary>
internal sealed class FlatBuffer
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private long _copyBudget;

    internal FlatBuffer(ReadOnlyMemory<byte> bytes, string name)
    {
        _bytes = bytes;
        Name = name;
        // Honest files refer to a list or a name once, or a few times where a writer shares strings.
        _copyBudget = 4L * bytes.Length + 65536;
    }

    internal string Name { get; }

    internal int Length => _bytes.Length;

    internal ReadOnlyMemory<byte> Slice(long offset, long length)
    {
        Require(offset, length, "data");
        return _bytes.Slice((int)offset, (int)length);
    }

    internal byte ReadByte(long offset)
    {
        Require(offset, 1, "a byte");
        return _bytes.Span[(int)offset];
    }

    internal ushort ReadUInt16(long offset)
    {
        Require(offset, 2, "a 16-bit number");
        return BinaryPrimitives.ReadUInt16LittleEndian(_bytes.Span[(int)offset..]);
    }

    internal int ReadInt32(long offset)
    {
        Require(offset, 4, "a 32-bit number");
        return BinaryPrimitives.ReadInt32LittleEndian(_bytes.Span[(int)offset..]);
    }

    internal uint ReadUInt32(long offset) => (uint)ReadInt32(offset);

    internal ulong ReadUInt64(long offset)
    {
        Require(offset, 8, "a 64-bit number");
        return BinaryPrimitives.ReadUInt64LittleEndian(_bytes.Span[(int)offset..]);
    }

    /// <summary>The table that the 32-bit offset stored at <paramref name="offset"/> points to.</summary>
    internal FlatTable TableAt(long offset)
    {
        var table = offset + ReadUInt32(offset);
        var vtable = table - ReadInt32(table);
        var vtableSize = ReadUInt16(vtable);
        if (vtableSize < 4 || (vtableSize & 1) != 0) throw Invalid($"table at {table} has a vtable of {vtableSize} bytes");
        Require(vtable, vtableSize, "a vtable");
        var tableSize = ReadUInt16(vtable + 2);
        Require(table, tableSize, "a table");
        return new FlatTable(this, table, vtable, vtableSize, tableSize);
    }

    /// <summary>Start and count of the vector that the offset at <paramref name="offset"/> points to.</summary>
    internal (long Start, int Count) VectorAt(long offset, int elementSize, int maxCount, string what)
    {
        var vector = offset + ReadUInt32(offset);
        var count = ReadUInt32(vector);
        if (count > maxCount) throw Invalid($"{what}: {count} entries, at most {maxCount} are accepted");
        Require(vector + 4, (long)count * elementSize, what);
        return (vector + 4, (int)count);
    }

    internal int[] ReadInt32s(long offset, int maxCount, string what)
    {
        var (start, count) = VectorAt(offset, sizeof(int), maxCount, what);
        Spend(4L * count);
        var values = new int[count];
        for (var i = 0; i < count; i++) values[i] = ReadInt32(start + 4L * i);
        return values;
    }

    internal long[] ReadInt64s(long offset, int maxCount, string what)
    {
        var (start, count) = VectorAt(offset, sizeof(long), maxCount, what);
        Spend(8L * count);
        var values = new long[count];
        for (var i = 0; i < count; i++) values[i] = (long)ReadUInt64(start + 8L * i);
        return values;
    }

    /// <summary>Unsigned indexes of 1, 2 or 4 bytes each; those of 4 come out negative above 2^31.</summary>
    internal int[] ReadIndexes(long offset, int elementSize, int maxCount, string what)
    {
        var (start, count) = VectorAt(offset, elementSize, maxCount, what);
        var values = new int[count];
        for (var i = 0; i < count; i++)
        {
            var at = start + (long)elementSize * i;
            values[i] = elementSize switch { 1 => ReadByte(at), 2 => ReadUInt16(at), _ => ReadInt32(at) };
        }
        return values;
    }

    internal string ReadString(long offset, int maxBytes, string what)
    {
        var (start, count) = VectorAt(offset, 1, maxBytes, what);
        Spend(count);
        return Encoding.UTF8.GetString(_bytes.Span.Slice((int)start, count));
    }

    internal TfliteFormatException Invalid(string problem) => new(Name, problem);

    private void Require(long offset, long length, string what)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw Invalid($"{what} at byte {offset} needs {length} bytes, but the file has {Length}");
    }

    private void Spend(long bytes)
    {
        _copyBudget -= bytes;
        if (_copyBudget < 0) throw Invalid("its lists overlap so much that they do not fit in the file");
    }
}
