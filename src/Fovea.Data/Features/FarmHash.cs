using System.Buffers.Binary;
using System.Numerics;

namespace Fovea.Data;

/// <summary>FarmHash's Fingerprint64 (namespace farmhashna), the hash behind TensorFlow's buckets and crosses: the same value
/// for the same bytes for ever, on every machine. For whole columns use Kernels.HashBuckets.</summary>
public static class FarmHash
{
    private const ulong K0 = 0xc3a5c85c97cb3127, K1 = 0xb492b66fbe98f273, K2 = 0x9ae16a3b2f90404f;

    /// <summary>The fingerprint of the bytes.</summary>
    public static ulong Fingerprint64(ReadOnlySpan<byte> s) => s.Length switch
    {
        <= 16 => Short(s),
        <= 32 => To32(s),
        <= 64 => To64(s),
        _ => Long(s),
    };

    /// <summary>TensorFlow's FingerprintCat64: the fingerprint of <paramref name="first"/> extended by that of
    /// <paramref name="second"/>. The order matters.</summary>
    public static ulong Concatenate(ulong first, ulong second)
    {
        const ulong K = 0xc6a4a7935bd1e995;
        var result = first ^ K;
        result ^= ShiftMix(second * K) * K;
        result *= K;
        return ShiftMix(ShiftMix(result) * K);
    }

    private static ulong Short(ReadOnlySpan<byte> s)
    {
        var length = (ulong)s.Length;
        var mul = K2 + length * 2;
        if (s.Length >= 8)
        {
            ulong a = Word(s, 0) + K2, b = Word(s, s.Length - 8);
            var c = RotateRight(b, 37) * mul + a;
            var d = (RotateRight(a, 25) + b) * mul;
            return Mix(c, d, mul);
        }
        if (s.Length >= 4)
            return Mix(length + ((ulong)HalfWord(s, 0) << 3), HalfWord(s, s.Length - 4), mul);
        if (s.Length == 0) return K2;
        var y = s[0] + ((uint)s[s.Length >> 1] << 8);
        var z = (uint)s.Length + ((uint)s[^1] << 2);
        return ShiftMix(y * K2 ^ z * K0) * K2;
    }

    private static ulong To32(ReadOnlySpan<byte> s)
    {
        var mul = K2 + (ulong)s.Length * 2;
        ulong a = Word(s, 0) * K1, b = Word(s, 8), c = Word(s, s.Length - 8) * mul, d = Word(s, s.Length - 16) * K2;
        return Mix(RotateRight(a + b, 43) + RotateRight(c, 30) + d, a + RotateRight(b + K2, 18) + c, mul);
    }

    private static ulong To64(ReadOnlySpan<byte> s)
    {
        var mul = K2 + (ulong)s.Length * 2;
        ulong a = Word(s, 0) * K2, b = Word(s, 8), c = Word(s, s.Length - 8) * mul, d = Word(s, s.Length - 16) * K2;
        var y = RotateRight(a + b, 43) + RotateRight(c, 30) + d;
        var z = Mix(y, a + RotateRight(b + K2, 18) + c, mul);
        ulong e = Word(s, 16) * mul, f = Word(s, 24);
        ulong g = (y + Word(s, s.Length - 32)) * mul, h = (z + Word(s, s.Length - 24)) * mul;
        return Mix(RotateRight(e + f, 43) + RotateRight(g, 30) + h, e + RotateRight(f + a, 18) + g, mul);
    }

    // 56 bytes of state over blocks of 64 bytes; the last block is the last 64 bytes and may overlap the one before.
    private static ulong Long(ReadOnlySpan<byte> s)
    {
        const ulong Seed = 81;
        ulong x = unchecked(Seed * K2) + Word(s, 0), y = unchecked(Seed * K1 + 113), z = ShiftMix(y * K2 + 113) * K2;
        (ulong First, ulong Second) v = default, w = default;
        var tail = (s.Length - 1) & 63;
        for (var at = 0; at < s.Length - 1 - tail; at += 64)
        {
            var block = s.Slice(at, 64);
            x = RotateRight(x + y + v.First + Word(block, 8), 37) * K1;
            y = RotateRight(y + v.Second + Word(block, 48), 42) * K1;
            x ^= w.Second;
            y += v.First + Word(block, 40);
            z = RotateRight(z + w.First, 33) * K1;
            v = Weak(block, v.Second * K1, x + w.First);
            w = Weak(block[32..], z + w.Second, y + Word(block, 16));
            (z, x) = (x, z);
        }
        var last = s[^64..];
        var mul = K1 + ((z & 0xff) << 1);
        w.First += (ulong)tail;
        v.First += w.First;
        w.First += v.First;
        x = RotateRight(x + y + v.First + Word(last, 8), 37) * mul;
        y = RotateRight(y + v.Second + Word(last, 48), 42) * mul;
        x ^= w.Second * 9;
        y += v.First * 9 + Word(last, 40);
        z = RotateRight(z + w.First, 33) * mul;
        v = Weak(last, v.Second * mul, x + w.First);
        w = Weak(last[32..], z + w.Second, y + Word(last, 16));
        (z, x) = (x, z);
        return Mix(Mix(v.First, w.First, mul) + ShiftMix(y) * K0 + z, Mix(v.Second, w.Second, mul) + x, mul);
    }

    private static ulong Mix(ulong u, ulong v, ulong mul)
    {
        var a = ShiftMix((u ^ v) * mul);
        return ShiftMix((v ^ a) * mul) * mul;
    }

    private static (ulong First, ulong Second) Weak(ReadOnlySpan<byte> s, ulong a, ulong b)
    {
        a += Word(s, 0);
        b = RotateRight(b + a + Word(s, 24), 21);
        var c = a;
        a += Word(s, 8) + Word(s, 16);
        return (a + Word(s, 24), b + RotateRight(a, 44) + c);
    }

    private static ulong ShiftMix(ulong value) => value ^ (value >> 47);

    private static ulong RotateRight(ulong value, int count) => BitOperations.RotateRight(value, count);

    private static ulong Word(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt64LittleEndian(s[at..]);

    private static uint HalfWord(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt32LittleEndian(s[at..]);
}
