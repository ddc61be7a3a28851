namespace Fovea.Data;

/// <summary>One FlatBuffer table; its vtable and extent were checked by <see cref="FlatBuffer.TableAt"/>.</summary>
internal readonly struct FlatTable(FlatBuffer buffer, long table, long vtable, int vtableSize, int tableSize)
{
    internal sbyte SByte(int field, sbyte absent = 0) =>
        Find(field, 1) is var at and >= 0 ? (sbyte)buffer.ReadByte(at) : absent;

    internal int Int32(int field, int absent = 0) => Find(field, 4) is var at and >= 0 ? buffer.ReadInt32(at) : absent;

    internal uint UInt32(int field, uint absent = 0) => Find(field, 4) is var at and >= 0 ? buffer.ReadUInt32(at) : absent;

    internal ulong UInt64(int field, ulong absent = 0) => Find(field, 8) is var at and >= 0 ? buffer.ReadUInt64(at) : absent;

    internal bool Has(int field) => Find(field, 4) >= 0;

    internal FlatTable? Table(int field) => Find(field, 4) is var at and >= 0 ? buffer.TableAt(at) : null;

    internal string String(int field, int maxBytes, string what) =>
        Find(field, 4) is var at and >= 0 ? buffer.ReadString(at, maxBytes, what) : "";

    internal int[] Int32s(int field, int maxCount, string what) =>
        Find(field, 4) is var at and >= 0 ? buffer.ReadInt32s(at, maxCount, what) : [];

    internal long[] Int64s(int field, int maxCount, string what) =>
        Find(field, 4) is var at and >= 0 ? buffer.ReadInt64s(at, maxCount, what) : [];

    /// <summary>A union of vectors of 32-bit, 16-bit or 8-bit indexes: its kind in <paramref name="field"/>, the vector's table behind it. What
    /// it returns is not for keeping, so it does not draw on the budget.</summary>
    internal int[] Indexes(int field, int maxCount, string what)
    {
        var kind = SByte(field);
        if (kind is < 1 or > 3 || Table(field + 1) is not { } vector) throw buffer.Invalid($"{what} are missing or of kind {kind}");
        return vector.Find(0, 4) is var at and >= 0 ? buffer.ReadIndexes(at, kind switch { 1 => 4, 2 => 2, _ => 1 }, maxCount, what) : [];
    }

    internal ReadOnlyMemory<byte> Bytes(int field, string what)
    {
        if (Find(field, 4) is var at && at < 0) return default;
        var (start, count) = buffer.VectorAt(at, 1, int.MaxValue, what);
        return buffer.Slice(start, count);
    }

    /// <summary>Start and count of a vector of tables; element i is <c>buffer.TableAt(start + 4 * i)</c>.</summary>
    internal (long Start, int Count) Tables(int field, int maxCount, string what) =>
        Find(field, 4) is var at and >= 0 ? buffer.VectorAt(at, 4, maxCount, what) : (0, 0);

    // Position of a field in the file, or -1 where the writer left it at its default.
    private long Find(int field, int size)
    {
        var entry = 4 + 2 * field;
        if (entry + 2 > vtableSize) return -1;
        var offset = buffer.ReadUInt16(vtable + entry);
        if (offset == 0) return -1;
        if (offset + size > tableSize) throw buffer.Invalid($"field {field} of the table at {table} lies outside of it");
        return table + offset;
    }
}
