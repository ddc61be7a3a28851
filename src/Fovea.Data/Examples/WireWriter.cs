using System.Numerics;

namespace Fovea.Data;

/// <summary>Writes the protobuf wire format into memory that grows.</summary>
internal sealed class WireWriter
{
    private const int LongestVarint = 10;

    private byte[] _bytes = new byte[256];

    internal int Length { get; private set; }

    internal ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    internal static int VarintLength(ulong value) => (BitOperations.Log2(value | 1) + 7) / 7;

    internal void WriteTag(int field) => WriteVarint(WireReader.Delimited(field));

    internal void WriteVarint(ulong value)
    {
        Reserve(LongestVarint);
        for (; value >= 0x80; value >>= 7) _bytes[Length++] = (byte)(value | 0x80);
        _bytes[Length++] = (byte)value;
    }

    internal void WriteBytes(ReadOnlySpan<byte> value)
    {
        WriteVarint((ulong)value.Length);
        WriteRaw(value);
    }

    internal void WriteRaw(ReadOnlySpan<byte> value)
    {
        Reserve(value.Length);
        value.CopyTo(_bytes.AsSpan(Length));
        Length += value.Length;
    }

    /// <summary>Begins a length-delimited field; gives where its contents start.</summary>
    internal int BeginMessage(int field)
    {
        WriteTag(field);
        return Length;
    }

    /// <summary>Puts the length of the contents before them.</summary>
    internal void EndMessage(int start)
    {
        var count = Length - start;
        var prefix = VarintLength((ulong)count);
        Reserve(prefix);
        _bytes.AsSpan(start, count).CopyTo(_bytes.AsSpan(start + prefix));
        Length = start;
        WriteVarint((ulong)count);
        Length = start + prefix + count;
    }

    internal void Truncate(int length) => Length = length;

    private void Reserve(int count)
    {
        if (_bytes.Length - Length < count) Array.Resize(ref _bytes, checked((int)Math.Max(2L * _bytes.Length, (long)Length + count)));
    }
}
