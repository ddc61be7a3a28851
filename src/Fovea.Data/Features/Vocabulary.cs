using System.Numerics;
using System.Runtime.InteropServices;

namespace Fovea.Data;

/// <summary>Finds the index of a string by its fingerprint; equal fingerprints are told apart by their bytes. Open addressing
/// over twice as many places as strings.</summary>
internal sealed class Vocabulary
{
    private readonly byte[] _bytes;
    private readonly long[] _offsets;
    private readonly ulong[] _fingerprints;
    private readonly int[] _places; // index + 1 of a string; 0 is free
    private readonly int _mask;

    public Vocabulary(string column, IReadOnlyList<byte[]> words)
    {
        _bytes = [.. words.SelectMany(word => word)];
        _offsets = new long[words.Count + 1];
        for (var i = 0; i < words.Count; i++) _offsets[i + 1] = _offsets[i] + words[i].Length;
        _fingerprints = new ulong[words.Count];
        Kernels.HashBuckets(_bytes, _offsets, 0, MemoryMarshal.Cast<ulong, long>(_fingerprints.AsSpan()));
        _places = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(2 * words.Count, 2))];
        _mask = _places.Length - 1;
        for (var i = 0; i < words.Count; i++)
        {
            var place = Find(words[i], _fingerprints[i]);
            if (_places[place] != 0)
                throw new FeatureException(column, $"word {i + 1} of the vocabulary is word {_places[place]} again");
            _places[place] = i + 1;
        }
    }

    public int Count => _fingerprints.Length;

    /// <summary>Index of the word, or -1.</summary>
    public int IndexOf(ReadOnlySpan<byte> word, ulong fingerprint) => _places[Find(word, fingerprint)] - 1;

    private int Find(ReadOnlySpan<byte> word, ulong fingerprint)
    {
        var place = (int)fingerprint & _mask;
        while (_places[place] is var index and not 0 && !(_fingerprints[index - 1] == fingerprint && Word(index - 1).SequenceEqual(word)))
            place = (place + 1) & _mask;
        return place;
    }

    private ReadOnlySpan<byte> Word(int index) => _bytes.AsSpan((int)_offsets[index]..(int)_offsets[index + 1]);
}
