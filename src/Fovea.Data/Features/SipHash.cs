using System.Buffers.Binary;
using System.Numerics;

namespace Fovea.Data;

/// <summary>SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash of TensorFlow's <c>string_to_hash_bucket_strong</c> and
/// of Keras' salted Hashing layer. Whoever does not know the key cannot make values that collide.</summary>
public static class SipHash
{
    /// <summary>The hash of the bytes under a key of two words. Keras turns one salt s into the key (s, s).</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes, ulong key0, ulong key1)
    {
        ulong v0 = 0x736f6d6570736575 ^ key0, v1 = 0x646f72616e646f6d ^ key1;
        ulong v2 = 0x6c7967656e657261 ^ key0, v3 = 0x7465646279746573 ^ key1;
        var rest = bytes;
        for (; rest.Length >= 8; rest = rest[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            v3 ^= word;
            Rounds(2, ref v0, ref v1, ref v2, ref v3);
            v0 ^= word;
        }
        // The last word: what is left, zeros, and the length modulo 256 on top.
        var last = (ulong)bytes.Length << 56;
        for (var i = 0; i < rest.Length; i++) last |= (ulong)rest[i] << (8 * i);
        v3 ^= last;
        Rounds(2, ref v0, ref v1, ref v2, ref v3);
        v0 ^= last;
        v2 ^= 0xff;
        Rounds(4, ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Rounds(int count, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        for (var i = 0; i < count; i++)
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
