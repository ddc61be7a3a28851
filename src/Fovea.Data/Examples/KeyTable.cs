using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Fovea.Data;

/// <summary>Finds names among a few that are known: a hash table with linear probing over UTF-8.</summary>
internal sealed class KeyTable
{
    private readonly byte[][] _keys;
    private readonly short[] _table;

    internal KeyTable(IReadOnlyList<string> keys)
    {
        if (keys.Count > short.MaxValue) throw new ArgumentException($"{keys.Count} features are too many", nameof(keys));
        _keys = [.. keys.Select(Encoding.UTF8.GetBytes)];
        // At most half full, so that a search ends.
        _table = new short[(int)BitOperations.RoundUpToPowerOf2((uint)(2 * _keys.Length + 2))];
        _table.AsSpan().Fill(-1);
        for (short i = 0; i < _keys.Length; i++)
        {
            var at = Hash(_keys[i]) & (_table.Length - 1);
            while (_table[at] >= 0) at = (at + 1) & (_table.Length - 1);
            _table[at] = i;
        }
    }

    internal int Count => _keys.Length;

    /// <summary>The index of a name, or -1; <paramref name="guess"/> is tried first.</summary>
    internal int Find(ReadOnlySpan<byte> key, int guess)
    {
        if ((uint)guess < (uint)_keys.Length && key.SequenceEqual(_keys[guess])) return guess;
        for (var at = Hash(key) & (_table.Length - 1); ; at = (at + 1) & (_table.Length - 1))
        {
            var index = _table[at];
            if (index < 0 || key.SequenceEqual(_keys[index])) return index;
        }
    }

    // Names differ at their ends more often than anywhere else.
    private static int Hash(ReadOnlySpan<byte> key)
    {
        ulong word = 0;
        if (key.Length >= 8)
        {
            var end = BinaryPrimitives.ReadUInt64LittleEndian(key[^8..]);
            word = BinaryPrimitives.ReadUInt64LittleEndian(key) ^ BitOperations.RotateLeft(end, 19);
        }
        else
        {
            foreach (var value in key) word = (word << 8) | value;
        }
        return (int)(((word + (ulong)key.Length) * 0x9E3779B97F4A7C15) >> 33);
    }
}
