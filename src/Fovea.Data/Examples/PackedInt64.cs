using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fovea.Data;

/// <summary>Packed 64-bit varints: seven bits a byte, least significant first, the high bit set on all but the last.</summary>
internal static class PackedInt64
{
    private const ulong HighBits = 0x8080808080808080;

    /// <summary>How many numbers there are: each ends with a byte below 0x80.</summary>
    internal static int Count(ReadOnlySpan<byte> packed)
    {
        if (packed is [.., >= 0x80]) throw CutOff();
        var count = 0;
        var words = MemoryMarshal.Cast<byte, ulong>(packed);
        foreach (var word in words) count += 8 - BitOperations.PopCount(word & HighBits);
        foreach (var value in packed[(8 * words.Length)..]) count += value < 0x80 ? 1 : 0;
        return count;
    }

    /// <summary>Decodes numbers until <paramref name="packed"/> ends or <paramref name="values"/> is full; gives how many there
    /// are and where it stopped.</summary>
    internal static int Decode(ReadOnlySpan<byte> packed, Span<long> values, out int position)
    {
        var (at, count) = (0, 0);
        ref var source = ref MemoryMarshal.GetReference(packed);
        ref var target = ref MemoryMarshal.GetReference(values);
        // While a word can be read and eight numbers can be written, nothing else needs to be checked.
        while (at <= packed.Length - 8 && count <= values.Length - 8)
        {
            var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, at));
            var ends = ~word & HighBits;
            if (ends == HighBits)
            {
                // Eight numbers below 128, as identifiers, lengths and flags often are.
                var (low, high) = Vector128.Widen(Vector128.WidenLower(Vector128.CreateScalarUnsafe(word).AsByte()));
                Store(low, ref Unsafe.Add(ref target, count));
                Store(high, ref Unsafe.Add(ref target, count + 4));
                at += 8;
                count += 8;
                continue;
            }
            // Lengths vary from number to number, so there is no branch on them: a number ends at the lowest bit left in ends.
            var after = ends & (ends - 1);
            if (after != 0)
            {
                var first = BitOperations.TrailingZeroCount(ends) + 1;
                Unsafe.Add(ref target, count) = (long)Join(word & (ends ^ (ends - 1)));
                Unsafe.Add(ref target, count + 1) = (long)Join((word & (after ^ (after - 1))) >> first);
                at += (BitOperations.TrailingZeroCount(after) + 1) / 8;
                count += 2;
            }
            else
            {
                Unsafe.Add(ref target, count++) = (long)DecodeOne(packed, ref at);
            }
        }
        while (count < values.Length && at < packed.Length) values[count++] = (long)DecodeOne(packed, ref at);
        position = at;
        return count;
    }

    // Eight groups of seven bits, each in a byte, to one number of 56 bits: pairs, then fours, then all. High bits fall away.
    private static ulong Join(ulong groups)
    {
        groups = (groups & 0x007f007f007f007f) | ((groups & 0x7f007f007f007f00) >> 1);
        groups = (groups & 0x00003fff00003fff) | ((groups & 0x3fff00003fff0000) >> 2);
        return (groups & 0x000000000fffffff) | ((groups & 0x0fffffff00000000) >> 4);
    }

    private static void Store(Vector128<uint> four, ref long values)
    {
        var (a, b) = Vector128.Widen(four);
        a.AsInt64().StoreUnsafe(ref values);
        b.AsInt64().StoreUnsafe(ref values, 2);
    }

    private static ulong DecodeOne(ReadOnlySpan<byte> packed, ref int at)
    {
        ulong number = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (at == packed.Length) throw CutOff();
            var next = packed[at++];
            number |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return number;
        }
        throw new ExampleException("malformed protobuf: a number has more than 10 bytes");
    }

    private static ExampleException CutOff() => new("malformed protobuf: a number is cut off");
}
