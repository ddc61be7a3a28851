using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;
using ArmCrc = System.Runtime.Intrinsics.Arm.Crc32;
using X86 = System.Runtime.Intrinsics.X86;

namespace Fovea.Data;

/// <summary>CRC-32C (Castagnoli, RFC 3720 B.4; reflected polynomial 0x82F63B78), as TFRecord, LevelDB and iSCSI use it.
/// <para>The CRC instruction takes 8 bytes a cycle but answers three cycles later, so three blocks are checked at once and
/// their results joined by a carry-less product (Gopal et al., Intel, 2011).</para></summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;
    private const uint MaskDelta = 0xa282ead8;

    // 3 KiB a round: joining costs about ten cycles against 384 of checking.
    private const int MaxWords = 128;

    // Below this, joining costs more than three streams save (measured on Zen 4).
    private const int InterleaveBytes = 256;

    // Shift[n] = x^(64 n - 33) mod P: multiplies a state by 8 n zero bytes; see Join.
    private static readonly uint[] Shift = MakeShift();

    // Slicing by eight, for processors without the instructions.
    private static readonly uint[] Table = MakeTable();

    private static bool IsAccelerated =>
        (X86.Sse42.X64.IsSupported && X86.Pclmulqdq.IsSupported) ||
        (ArmCrc.Arm64.IsSupported && ArmAes.IsSupported && BitConverter.IsLittleEndian);

    /// <summary>The CRC of some bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of a text whose beginning has the CRC <paramref name="crc"/> and whose end is
    /// <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes) =>
        ~(IsAccelerated ? Interleaved(~crc, bytes) : Sliced(~crc, bytes));

    /// <summary>The form in which a CRC is stored beside the data it covers: a CRC over bytes that contain CRCs is
    /// weak.</summary>
    public static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + MaskDelta;

    /// <summary>Undoes <see cref="Mask"/>.</summary>
    public static uint Unmask(uint masked) => BitOperations.RotateLeft(masked - MaskDelta, 15);

    /// <summary>The CRC of a 64-bit little-endian number: the header of a record.</summary>
    internal static uint Compute(ulong word) =>
        IsAccelerated ? ~BitOperations.Crc32C(uint.MaxValue, word) : ~SlicedWord(uint.MaxValue, word);

    /// <summary>One stream; takes and gives the state, which is the complement of the CRC.</summary>
    internal static uint Serial(uint state, ReadOnlySpan<byte> bytes)
    {
        ulong wide = state;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) wide = Step(wide, word);
        state = (uint)wide;
        foreach (var value in bytes[(8 * words.Length)..]) state = BitOperations.Crc32C(state, value);
        return state;
    }

    internal static uint Interleaved(uint state, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= InterleaveBytes)
        {
            var words = Math.Min(bytes.Length / 24, MaxWords);
            ref var a = ref MemoryMarshal.GetReference(bytes);
            ref var b = ref Unsafe.Add(ref a, 8 * words);
            ref var c = ref Unsafe.Add(ref b, 8 * words);
            ulong first = state, second = 0, third = 0;
            // Inside the span: 3 * 8 * words <= Length.
            for (nint at = 0; at < 8 * words; at += 8)
            {
                first = Step(first, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref a, at)));
                second = Step(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref b, at)));
                third = Step(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref c, at)));
            }
            state = Join((uint)first, (uint)second, (uint)third, words);
            bytes = bytes[(24 * words)..];
        }
        return Serial(state, bytes);
    }

    internal static uint Sliced(uint state, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..]) state = SlicedWord(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes) state = Table[(byte)state ^ value] ^ (state >> 8);
        return state;
    }

    private static uint SlicedWord(uint state, ulong word)
    {
        word ^= state;
        uint result = 0;
        for (var i = 0; i < 8; i++) result ^= Table[256 * (7 - i) + (byte)(word >> (8 * i))];
        return result;
    }

    // The state stays 64 bits wide, its upper half zero: BitOperations.Crc32C would extend it each time, one cycle on top of
    // three.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Step(ulong state, ulong word) =>
        X86.Sse42.X64.IsSupported ? X86.Sse42.X64.Crc32(state, word) : BitOperations.Crc32C((uint)state, word);

    // The state after three blocks in a row, of which each was checked from zero but the first. In the reflected form the
    // 64-bit product of two states stands for their product times x, and checking 8 bytes multiplies by x^32: hence the 33 in
    // Shift.
    private static uint Join(uint first, uint second, uint third, int words) =>
        third ^ BitOperations.Crc32C(0, Multiply(first, Shift[2 * words]) ^ Multiply(second, Shift[words]));

    private static ulong Multiply(uint a, uint b)
    {
        var x = Vector128.CreateScalar((ulong)a);
        var y = Vector128.CreateScalar((ulong)b);
        return X86.Pclmulqdq.IsSupported
            ? X86.Pclmulqdq.CarrylessMultiply(x, y, 0).ToScalar()
            : ArmAes.PolynomialMultiplyWideningLower(x.GetLower(), y.GetLower()).ToScalar();
    }

    private static uint[] MakeShift()
    {
        var shift = new uint[2 * MaxWords + 1];
        // x^31; the reflected form keeps the coefficient of x^(31-i) in bit i.
        shift[1] = 1;
        for (var n = 2; n < shift.Length; n++) shift[n] = BitOperations.Crc32C(shift[n - 1], 0UL);
        return shift;
    }

    // Entry 256 k + v: the state after the byte v and k zero bytes.
    private static uint[] MakeTable()
    {
        var table = new uint[8 * 256];
        for (var i = 0; i < table.Length; i++)
        {
            if (i < 256)
            {
                var state = (uint)i;
                for (var bit = 0; bit < 8; bit++) state = (state >> 1) ^ (Polynomial & (0 - (state & 1)));
                table[i] = state;
            }
            else
            {
                table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
            }
        }
        return table;
    }
}
