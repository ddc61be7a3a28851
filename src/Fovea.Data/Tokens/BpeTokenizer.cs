using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Data;

/// <summary>Byte-pair encoding over characters (Sennrich, Haddow and Birch, 2016): text is cut at spaces, the last character of a word
/// carries an end mark, and ranked merges join neighbours. Spaces are not told apart from each other: runs of them come back as
/// one.</summary>
public sealed class BpeTokenizer : ITokenizer
{
    private readonly string[] _tokens;
    private readonly Dictionary<string, int> _ids;
    private readonly BytePairMerges _merges;

    private BpeTokenizer(string[] tokens, ReadOnlySpan<byte> merges, string unknown, string endMark, string name, string mergesName)
    {
        (_tokens, EndMark) = (tokens, endMark);
        _ids = tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id);
        if (!_ids.TryGetValue(unknown, out var id)) throw new VocabularyFormatException(name, $"it has no token '{unknown}'");
        UnknownId = id;
        _merges = new BytePairMerges(merges, mergesName, _ids);
    }

    /// <summary>Reads a vocabulary.</summary>
    /// <param name="vocabulary">{"token": id, ...}.</param>
    /// <param name="merges">"left right" lines, best first.</param>
    /// <param name="unknown">The token of a character that the vocabulary does not hold.</param>
    /// <param name="endMark">What the last token of a word ends with.</param>
    /// <param name="name">Name of the vocabulary for messages.</param>
    /// <param name="mergesName">Name of the merges for messages.</param>
    /// <exception cref="VocabularyFormatException">A file is not well formed, or they do not fit together.</exception>
    public static BpeTokenizer Parse(
        ReadOnlyMemory<byte> vocabulary, ReadOnlySpan<byte> merges, string unknown = "<unk>", string endMark = "</w>",
        string name = "vocab.json", string mergesName = "merges.txt")
    {
        ArgumentException.ThrowIfNullOrEmpty(endMark);
        return new(VocabularyFile.ReadIds(vocabulary, name), merges, unknown, endMark, name, mergesName);
    }

    /// <inheritdoc/>
    public int VocabularySize => _tokens.Length;

    /// <summary>The token of a character that the vocabulary does not hold.</summary>
    public int UnknownId { get; }

    /// <summary>What the last token of a word ends with.</summary>
    public string EndMark { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Token> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<Token> tokens = [];
        List<(int Id, int Symbols)> merged = [];
        List<int> symbols = [], starts = [];
        for (int at = 0, end; at < text.Length; at = end)
        {
            end = at + 1;
            if (text[at] == ' ') continue;
            while (end < text.Length && text[end] != ' ') end++;
            symbols.Clear();
            starts.Clear();
            merged.Clear();
            for (var start = at; start < end;)
            {
                Rune.DecodeFromUtf16(text.AsSpan(start), out var rune, out var characters);
                starts.Add(start);
                start += characters;
                symbols.Add(_ids.GetValueOrDefault(start == end ? rune + EndMark : rune.ToString(), UnknownId));
            }
            starts.Add(end);
            _merges.Apply(CollectionsMarshal.AsSpan(symbols), merged);
            var first = 0;
            foreach (var (id, count) in merged)
            {
                tokens.Add(new Token(id, starts[first], starts[first + count] - starts[first]));
                first += count;
            }
        }
        return tokens;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            VocabularyFile.CheckId(id, VocabularySize);
            var token = _tokens[id];
            if (!token.EndsWith(EndMark, StringComparison.Ordinal)) text.Append(token);
            else text.Append(token.AsSpan(0, token.Length - EndMark.Length)).Append(' ');
        }
        return text.Length > 0 && text[^1] == ' ' ? text.ToString(0, text.Length - 1) : text.ToString();
    }
}
