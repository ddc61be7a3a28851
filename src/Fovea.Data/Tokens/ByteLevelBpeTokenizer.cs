using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Data;

/// <summary>Byte-pair encoding over bytes as GPT-2 has it (Radford et al., "Language Models are Unsupervised Multitask Learners",
/// 2019): any text has tokens and comes back unchanged. Read from its <c>vocab.json</c> and <c>merges.txt</c>.</summary>
public sealed class ByteLevelBpeTokenizer : ITokenizer
{
    private readonly string[] _tokens;
    private readonly Dictionary<string, int> _ids;
    private readonly int[] _byteIds = new int[256];
    private readonly byte[]?[] _bytes; // of each token; null for a token that is not made of bytes, a control token
    private readonly BytePairMerges _merges;

    private ByteLevelBpeTokenizer(string[] tokens, ReadOnlySpan<byte> merges, string name, string mergesName)
    {
        _tokens = tokens;
        _ids = tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id);
        var alphabet = Alphabet();
        for (var b = 0; b < 256; b++)
            if (!_ids.TryGetValue(alphabet[b].ToString(), out _byteIds[b]))
                throw new VocabularyFormatException(name, $"it has no token for the byte {b}");
        var byteOf = Enumerable.Range(0, 256).ToDictionary(b => alphabet[b], b => (byte)b);
        _bytes = [.. tokens.Select(token => token.All(byteOf.ContainsKey) ? token.Select(c => byteOf[c]).ToArray() : null)];
        _merges = new BytePairMerges(merges, mergesName, _ids);
    }

    /// <summary>Reads a vocabulary.</summary>
    /// <param name="vocabulary">{"token": id, ...}; bytes are written as the characters of <see cref="Alphabet"/>.</param>
    /// <param name="merges">"left right" lines, best first.</param>
    /// <param name="name">Name of the vocabulary for messages.</param>
    /// <param name="mergesName">Name of the merges for messages.</param>
    /// <exception cref="VocabularyFormatException">A file is not well formed, or they do not fit together.</exception>
    public static ByteLevelBpeTokenizer Parse(
        ReadOnlyMemory<byte> vocabulary, ReadOnlySpan<byte> merges, string name = "vocab.json", string mergesName = "merges.txt") =>
        new(VocabularyFile.ReadIds(vocabulary, name), merges, name, mergesName);

    /// <inheritdoc/>
    public int VocabularySize => _tokens.Length;

    /// <summary>The id of a token by its text in the vocabulary, for control tokens such as "&lt;|endoftext|&gt;"; -1: there is
    /// none.</summary>
    public int IdOf(string token) => _ids.GetValueOrDefault(token, -1);

    /// <summary>The character that stands for each byte: itself where it is visible in Latin-1, else one from U+0100 on, in ascending
    /// order.</summary>
    public static string Alphabet()
    {
        Span<char> alphabet = stackalloc char[256];
        var hidden = 0;
        for (var b = 0; b < 256; b++)
            alphabet[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)b : (char)(256 + hidden++);
        return alphabet.ToString();
    }

    /// <inheritdoc/>
    public IReadOnlyList<Token> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<Token> tokens = [];
        List<(int Id, int Symbols)> merged = [];
        List<int> symbols = [], starts = []; // tokens of the word's bytes, and the character that each is of
        Span<byte> utf8 = stackalloc byte[4];
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = start + ByteLevelPretokenizer.NextLength(text.AsSpan(start));
            symbols.Clear();
            starts.Clear();
            merged.Clear();
            for (var at = start; at < end;)
            {
                Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var characters);
                foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    symbols.Add(_byteIds[value]);
                    starts.Add(at);
                }
                at += characters;
            }
            _merges.Apply(CollectionsMarshal.AsSpan(symbols), merged);
            var first = 0;
            foreach (var (id, count) in merged)
            {
                // A token may begin or end inside a character's bytes: the whole character counts.
                var from = starts[first];
                first += count;
                var last = starts[first - 1];
                Rune.DecodeFromUtf16(text.AsSpan(last), out _, out var width);
                tokens.Add(new Token(id, from, last + width - from));
            }
        }
        return tokens;
    }

    /// <inheritdoc/>
    /// <remarks>Bytes that are not UTF-8, as at the end of a cut text, become U+FFFD.</remarks>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            VocabularyFile.CheckId(id, VocabularySize);
            bytes.AddRange(_bytes[id] ?? Encoding.UTF8.GetBytes(_tokens[id]));
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }
}
