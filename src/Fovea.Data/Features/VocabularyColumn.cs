using System.Buffers.Text;
using System.Text;

namespace Fovea.Data;

/// <summary>categorical_column_with_vocabulary_list and _file: id = index of the value in the vocabulary. Values that are not
/// in it take one of the OOV buckets, V + Fingerprint64 modulo their number, or else the default id, -1 unless given.</summary>
public sealed class VocabularyColumn : KeyedCategoricalColumn
{
    private const int LargestFile = 1 << 30; // bytes

    private readonly Vocabulary? _words;
    private readonly Dictionary<long, int>? _integers;

    /// <summary>A column of strings, compared as UTF-8.</summary>
    /// <exception cref="FeatureException">A word occurs twice, or both a default and OOV buckets are given.</exception>
    public VocabularyColumn(string key, IReadOnlyList<string> vocabulary, int oovBuckets = 0, long? defaultId = null)
        : this(key, [.. vocabulary.Select(Encoding.UTF8.GetBytes)], oovBuckets, defaultId)
    {
    }

    /// <summary>A column of integers.</summary>
    /// <exception cref="FeatureException">A value occurs twice, or both a default and OOV buckets are given.</exception>
    public VocabularyColumn(string key, IReadOnlyList<long> vocabulary, int oovBuckets = 0, long? defaultId = null)
        : base(key, FeatureKind.Int64, Buckets(key, vocabulary.Count, oovBuckets, defaultId))
    {
        _integers = new Dictionary<long, int>(vocabulary.Count);
        for (var i = 0; i < vocabulary.Count; i++)
            if (!_integers.TryAdd(vocabulary[i], i))
                throw new FeatureException(key, $"{vocabulary[i]} occurs twice in the vocabulary");
        OovBuckets = oovBuckets;
        DefaultId = defaultId ?? -1;
    }

    private VocabularyColumn(string key, byte[][] vocabulary, int oovBuckets, long? defaultId)
        : base(key, FeatureKind.Bytes, Buckets(key, vocabulary.Length, oovBuckets, defaultId))
    {
        _words = new Vocabulary(key, vocabulary);
        OovBuckets = oovBuckets;
        DefaultId = defaultId ?? -1;
    }

    /// <summary>Number of buckets for values outside the vocabulary.</summary>
    public int OovBuckets { get; }

    /// <summary>Id of values outside the vocabulary when there are no OOV buckets; negative ids count nowhere.</summary>
    public long DefaultId { get; }

    /// <summary>Number of values in the vocabulary.</summary>
    public int VocabularySize => _words?.Count ?? _integers!.Count;

    /// <summary>A vocabulary of the lines of a file; the id is the number of the line, from 0. Line ends may be \n or
    /// \r\n.</summary>
    /// <param name="key">Raw feature.</param>
    /// <param name="path">The file.</param>
    /// <param name="size">Number of lines to take, or null for all.</param>
    /// <param name="kind">Integers for lines that are integers.</param>
    /// <param name="oovBuckets">As in the constructors.</param>
    /// <param name="defaultId">As in the constructors.</param>
    /// <exception cref="FeatureException">The file is shorter than <paramref name="size"/>, larger than 1 GiB, has a line
    /// twice, or a line that is no integer though it should be.</exception>
    public static VocabularyColumn FromFile(string key, string path, int? size = null, FeatureKind kind = FeatureKind.Bytes,
        int oovBuckets = 0, long? defaultId = null)
    {
        if (new FileInfo(path).Length > LargestFile)
            throw new FeatureException(key, $"{path} is larger than {LargestFile} bytes");
        var lines = Lines(File.ReadAllBytes(path));
        if (size < 1 || size > lines.Count)
            throw new FeatureException(key, $"{path} has {lines.Count} lines, {size} are to be taken");
        if (size is { } count) lines.RemoveRange(count, lines.Count - count);
        if (kind != FeatureKind.Int64) return new VocabularyColumn(key, [.. lines], oovBuckets, defaultId);
        var integers = lines.Select((line, i) => Utf8Parser.TryParse(line, out long value, out var used) && used == line.Length
            ? value
            : throw new FeatureException(key, $"line {i + 1} of {path} is not an integer")).ToArray();
        return new VocabularyColumn(key, integers, oovBuckets, defaultId);
    }

    internal override void Map(FeatureInput values, Span<long> ids)
    {
        if (_integers is not null)
        {
            var integers = values.Integers.Span;
            for (var i = 0; i < ids.Length; i++)
                ids[i] = _integers.TryGetValue(integers[i], out var index) ? index :
                    OovBuckets == 0 ? DefaultId : Outside(FeatureHash.Fingerprint(integers[i]));
            return;
        }
        Kernels.HashBuckets(values.Bytes.Span, values.Offsets.Span, 0, ids);
        for (var i = 0; i < ids.Length; i++)
        {
            var fingerprint = (ulong)ids[i];
            var index = _words!.IndexOf(values.Text(i), fingerprint);
            ids[i] = index >= 0 ? index : Outside(fingerprint);
        }
    }

    private long Outside(ulong fingerprint) =>
        OovBuckets == 0 ? DefaultId : VocabularySize + (long)(fingerprint % (ulong)OovBuckets);

    private static long Buckets(string key, int size, int oovBuckets, long? defaultId)
    {
        if (size == 0) throw new FeatureException(key, "the vocabulary is empty");
        if (oovBuckets < 0) throw new FeatureException(key, $"{oovBuckets} OOV buckets");
        if (oovBuckets > 0 && defaultId is not null)
            throw new FeatureException(key, "a default id and OOV buckets exclude each other");
        return (long)size + oovBuckets;
    }

    // As TensorFlow reads text: \r counts nowhere, and the last line needs no \n.
    private static List<byte[]> Lines(byte[] text)
    {
        var lines = new List<byte[]>();
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            lines.Add(line.Contains((byte)'\r') ? [.. line.ToArray().Where(b => b != '\r')] : line.ToArray());
            rest = end < 0 ? [] : rest[(end + 1)..];
        }
        return lines;
    }
}
