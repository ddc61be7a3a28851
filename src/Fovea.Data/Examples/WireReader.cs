using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Fovea.Data;

/// <summary>Reads the protobuf wire format from untrusted bytes: nothing is read outside of them, and only
/// <see cref="ExampleException"/> is thrown.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    // As deep as protobuf's own parsers follow groups.
    private const int MaxDepth = 100;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal int Position { get; private set; }

    internal readonly bool IsAtEnd => Position == _bytes.Length;

    /// <summary>A length-delimited field's tag.</summary>
    internal static uint Delimited(int field) => ((uint)field << 3) | 2;

    /// <summary>Whether a message is one length-delimited field with a one-byte tag and nothing else: the usual case, which
    /// needs no loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsOneField(ReadOnlySpan<byte> message, uint tag, out ReadOnlySpan<byte> contents)
    {
        if (message.Length >= 2 && message[0] == tag)
        {
            int length = message[1];
            var start = 2;
            if (length >= 0x80 && message.Length > 3)
            {
                // Two bytes reach 16 KiB, three 2 MiB; longer ones take the loop.
                length = (length & 0x7f) | (message[2] << 7);
                start = 3;
                if (length >= 0x4000)
                {
                    length = (length & 0x3fff) | (message[3] << 14);
                    start = 4;
                }
            }
            contents = message[start..];
            return length == contents.Length;
        }
        contents = default;
        return false;
    }

    internal uint ReadTag()
    {
        var tag = ReadVarint();
        if (tag > uint.MaxValue || tag >> 3 == 0) Malformed("a field has the number 0 or one beyond 2^29");
        return (uint)tag;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong ReadVarint()
    {
        var at = Position;
        if ((uint)at < (uint)_bytes.Length && _bytes[at] < 0x80)
        {
            Position = at + 1;
            return _bytes[at];
        }
        return ReadLongVarint();
    }

    internal ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadVarint();
        if (length > (ulong)(_bytes.Length - Position)) Malformed($"a field of {length} bytes has only {_bytes.Length - Position} left");
        var start = Position;
        Position = start + (int)length;
        return _bytes.Slice(start, (int)length);
    }

    internal float ReadSingle() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    /// <summary>Passes over the value that follows an unknown tag.</summary>
    internal void Skip(uint tag)
    {
        switch (tag & 7)
        {
            case 0: ReadVarint(); break;
            case 1: Take(8); break;
            case 2: ReadBytes(); break;
            case 3: SkipGroup(tag); break;
            case 5: Take(4); break;
            default: Malformed($"field {tag >> 3} has the wire type {tag & 7}"); break;
        }
    }

    private void SkipGroup(uint tag)
    {
        // The fields whose groups are open.
        Span<uint> open = stackalloc uint[MaxDepth];
        open[0] = tag >> 3;
        var depth = 1;
        while (depth > 0)
        {
            var inner = ReadTag();
            if ((inner & 7) == 3)
            {
                if (depth == MaxDepth) Malformed($"groups are nested deeper than {MaxDepth}");
                open[depth++] = inner >> 3;
            }
            else if ((inner & 7) == 4)
            {
                if (open[--depth] != inner >> 3) Malformed($"group {open[depth]} ends as {inner >> 3}");
            }
            else
            {
                Skip(inner);
            }
        }
    }

    private ulong ReadLongVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (IsAtEnd) Malformed("a number is cut off");
            var next = _bytes[Position++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        Malformed("a number has more than 10 bytes");
        return 0;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_bytes.Length - Position < count) Malformed($"a field of {count} bytes has only {_bytes.Length - Position} left");
        Position += count;
        return _bytes.Slice(Position - count, count);
    }

    [DoesNotReturn]
    private static void Malformed(string problem) => throw new ExampleException($"malformed protobuf: {problem}");
}
