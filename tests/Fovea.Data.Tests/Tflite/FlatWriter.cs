using System.Buffers.Binary;
using System.Text;

namespace Fovea.Data.Tests;

/// <summary>Writes FlatBuffers front to back: a parent first, then its children, whose offsets are patched in.</summary>
internal sealed class FlatWriter
{
    private readonly List<byte> _bytes = [];

    internal byte[] ToArray() => [.. _bytes];

    internal void Root(string identifier, Func<int> root)
    {
        _bytes.AddRange(new byte[4]);
        _bytes.AddRange(Encoding.ASCII.GetBytes(identifier));
        Patch(0, root());
    }

    /// <summary>A table; each field is null (absent), byte, int, or a function that writes a child and returns its place.</summary>
    internal int Table(params object?[] fields)
    {
        Align();
        var vtable = _bytes.Count;
        var vtableSize = 4 + 2 * fields.Length;
        _bytes.AddRange(new byte[(vtableSize + 3) & ~3]);
        var table = _bytes.Count;
        _bytes.AddRange(new byte[4 + 4 * fields.Length]);
        Put16(vtable, vtableSize);
        Put16(vtable + 2, 4 + 4 * fields.Length);
        Put32(table, table - vtable);
        for (var i = 0; i < fields.Length; i++)
        {
            var at = table + 4 + 4 * i;
            if (fields[i] is null) continue;
            Put16(vtable + 4 + 2 * i, at - table);
            if (fields[i] is byte small) _bytes[at] = small;
            if (fields[i] is int number) Put32(at, number);
            if (fields[i] is Func<int> child) Patch(at, child());
        }
        return table;
    }

    internal int Tables(params Func<int>[] elements)
    {
        Align();
        var vector = _bytes.Count;
        _bytes.AddRange(new byte[4 + 4 * elements.Length]);
        Put32(vector, elements.Length);
        for (var i = 0; i < elements.Length; i++) Patch(vector + 4 + 4 * i, elements[i]());
        return vector;
    }

    internal int Int32s(params int[] values)
    {
        Align();
        var vector = _bytes.Count;
        _bytes.AddRange(new byte[4 + 4 * values.Length]);
        Put32(vector, values.Length);
        for (var i = 0; i < values.Length; i++) Put32(vector + 4 + 4 * i, values[i]);
        return vector;
    }

    internal int Int64s(params long[] values)
    {
        // The elements, not the count before them, are aligned.
        while (_bytes.Count % 8 != 4) _bytes.Add(0);
        var vector = _bytes.Count;
        _bytes.AddRange(new byte[4]);
        Put32(vector, values.Length);
        foreach (var value in values) _bytes.AddRange(BitConverter.GetBytes(value));
        return vector;
    }

    /// <summary>A vector of elements of <paramref name="elementSize"/> bytes.</summary>
    internal int Vector(int elementSize, byte[] values)
    {
        Align();
        var vector = _bytes.Count;
        _bytes.AddRange(new byte[4]);
        Put32(vector, values.Length / elementSize);
        _bytes.AddRange(values);
        return vector;
    }

    internal int Bytes(byte[] values) => Vector(1, values);

    internal int String(string text)
    {
        var vector = Bytes(Encoding.UTF8.GetBytes(text));
        _bytes.Add(0);
        return vector;
    }

    private void Align()
    {
        while (_bytes.Count % 4 != 0) _bytes.Add(0);
    }

    private void Patch(int at, int target) => Put32(at, target - at);

    private void Put16(int at, int value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[at..], (ushort)value);

    private void Put32(int at, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[at..], value);
}
