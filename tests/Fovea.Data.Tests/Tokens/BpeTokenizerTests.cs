using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Xunit;

namespace Fovea.Data.Tests.Tokens;

public sealed class BpeTokenizerTests
{
    private const string Merges = "#version: 0.2\nl o\nlo w\ne r\nĠ low\nĠlow er\nn e\n";

    private static readonly ByteLevelBpeTokenizer ByteLevel = ParseByteLevel(Merges);

    // GPT-2's table, from its sources: the first visible and the first hidden bytes, the space and the soft hyphen.
    [Fact]
    public void AlphabetIsThatOfGpt2()
    {
        var alphabet = ByteLevelBpeTokenizer.Alphabet();
        Assert.Equal(256, alphabet.Distinct().Count());
        Assert.Equal("!A~¡¬®ÿ", string.Concat("!A~¡¬®ÿ".Select(c => alphabet[c])));
        Assert.Equal("ĀĊĠġłŃ", string.Concat(new[] { 0, '\n', ' ', 0x7F, 0xA0, 0xAD }.Select(b => alphabet[b])));
    }

    // Words do not share merges; "lower" at the beginning has no space and stops at low + er.
    [Theory]
    [InlineData("lower lower", new[] { "low", "er", "Ġlower" })]
    [InlineData("low  low", new[] { "low", "Ġ", "Ġlow" })]
    [InlineData("new", new[] { "ne", "w" })]
    [InlineData("é", new[] { "Ã", "©" })]
    [InlineData("", new string[0])]
    public void MergesByRank(string text, string[] expected) =>
        Assert.Equal(expected.Select(ByteLevel.IdOf), ByteLevel.Encode(text).Select(t => t.Id));

    [Fact]
    public void SpansPointIntoTheText()
    {
        Assert.Equal([(0, 3), (3, 2), (5, 6)], ByteLevel.Encode("lower lower").Select(t => (t.Start, t.Length)));
        // Four bytes of one character of two UTF-16 units: each token covers it.
        Assert.Equal([(0, 1), (1, 2), (1, 2), (1, 2), (1, 2)], ByteLevel.Encode("e😀").Select(t => (t.Start, t.Length)));
    }

    [Theory]
    [InlineData("Hello world", new[] { "Hello", " world" })]
    [InlineData("it's  they'LL we'll", new[] { "it", "'s", " ", " they", "'", "LL", " we", "'ll" })]
    [InlineData("a1 22!? x", new[] { "a", "1", " 22", "!?", " x" })]
    [InlineData("a \n\n b ", new[] { "a", " \n\n", " b", " " })]
    [InlineData("a\nb\t\tc", new[] { "a", "\n", "b", "\t", "\t", "c" })]
    [InlineData("𝒳x '", new[] { "𝒳x", " '" })] // a letter beyond the 16-bit plane
    public void WordsAreThoseOfGpt2(string text, string[] expected) => Assert.Equal(expected, Words(text));

    /// <summary>The published regular expression is the oracle.</summary>
    [Property(MaxTest = 1000)]
    public void WordsEqualTheRegularExpression(byte[] choices)
    {
        string[] parts = [" ", " ", "\n", "\t", "\u00a0", "a", "Z", "é", "1", "½", "'", "'s", "'re", "ll", ".", "-", "_", "\u0301", "中"];
        var text = string.Concat(choices.Select(c => parts[c % parts.Length]));
        const string pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
        Assert.Equal(Regex.Matches(text, pattern).Select(m => m.Value), Words(text));
    }

    [Property(MaxTest = 500)]
    public void ByteLevelRoundTrip(string? text)
    {
        // Broken surrogates cannot be written as UTF-8.
        text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? ""));
        var tokens = ByteLevel.Encode(text);
        Assert.Equal(text, ByteLevel.Decode([.. tokens.Select(t => t.Id)]));
        Assert.All(tokens, t => Assert.True(t.Length > 0 && t.Start + t.Length <= text.Length));
        for (var i = 1; i < tokens.Count; i++) Assert.InRange(tokens[i].Start, tokens[i - 1].Start, tokens[i - 1].Start + tokens[i - 1].Length);
    }

    [Fact]
    public void BrokenSurrogatesAndCutTokens()
    {
        Assert.Equal("\ufffd", ByteLevel.Decode([.. ByteLevel.Encode("\udc00").Select(t => t.Id)]));
        Assert.Equal("\ufffd", ByteLevel.Decode([ByteLevel.Encode("é")[0].Id]));
        Assert.Equal("low<|end|>", ByteLevel.Decode([ByteLevel.IdOf("low"), ByteLevel.IdOf("<|end|>")]));
        Assert.DoesNotContain(ByteLevel.Encode("<|end|>"), t => t.Id == ByteLevel.IdOf("<|end|>"));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByteLevel.Decode([ByteLevel.VocabularySize]));
    }

    /// <summary>Against the definition in plain loops: merge the leftmost pair of the lowest rank, again and again.</summary>
    [Property(MaxTest = 300)]
    public void MergesEqualPlainLoops(byte[] choices, int seed)
    {
        var (pairs, vocabulary) = RandomMerges(seed);
        var tokenizer = BpeTokenizer.Parse(Json(["<unk>", .. vocabulary]), Encoding.UTF8.GetBytes(string.Join('\n', pairs.Select(p => $"{p.Left} {p.Right}"))), endMark: "$");
        var word = string.Concat(choices.Select(c => "abc"[c % 3]));
        if (word.Length == 0) return;
        var symbols = word[..^1].Select(c => c.ToString()).Append(word[^1] + "$").ToList();
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1).Select(i => (Rank: pairs.IndexOf((symbols[i], symbols[i + 1])), At: i)).Where(m => m.Rank >= 0).DefaultIfEmpty((-1, 0)).Min();
            if (best.Item1 < 0) break;
            symbols[best.Item2] += symbols[best.Item2 + 1];
            symbols.RemoveAt(best.Item2 + 1);
        }
        var tokens = tokenizer.Encode(word);
        Assert.Equal(symbols.Select(s => vocabulary.IndexOf(s) + 1), tokens.Select(t => t.Id));
        Assert.Equal(word, tokenizer.Decode([.. tokens.Select(t => t.Id)]));
        Assert.Equal(symbols.Select(s => s.TrimEnd('$').Length), tokens.Select(t => t.Length));
    }

    [Fact]
    public void WordsOfCharacters()
    {
        var tokenizer = BpeTokenizer.Parse(Json("<unk>", "l", "o", "w</w>", "w", "lo", "low</w>", "o</w>"), "l o\nlo w</w>"u8);
        var tokens = tokenizer.Encode("low  lo x");
        Assert.Equal([new Token(6, 0, 3), new Token(1, 5, 1), new Token(7, 6, 1), new Token(0, 8, 1)], tokens);
        Assert.Equal("low lo", tokenizer.Decode([6, 1, 7]));
    }

    /// <summary>A word of 300,000 letters takes a moment, not a day.</summary>
    [Fact]
    public void LongWordsAreMergedQuickly() => Assert.Equal(100_000, ByteLevel.Encode(string.Concat(Enumerable.Repeat("low", 100_000))).Count);

    [Theory]
    [InlineData("l", "line 1 has 1 parts, not two")]
    [InlineData("l o w", "line 1 has 3 parts")]
    [InlineData("l o\nl o", "line 2 repeats a merge")]
    [InlineData("l o\n\nlo q", "line 3 names 'loq', which is not in the vocabulary")]
    public void BadMergesAreRefused(string merges, string message)
    {
        var error = Assert.Throws<VocabularyFormatException>(() => ParseByteLevel(merges));
        Assert.StartsWith("m.txt: not a valid vocabulary: " + message, error.Message);
    }

    [Theory]
    [InlineData("""{"a": 1}""", "'a' has the id 1, there are 1 tokens")]
    [InlineData("""{"a": 0, "b": 0}""", "'a' and 'b' have the id 0")]
    [InlineData("""{"a": 0, "a": 1}""", "a token occurs twice")]
    [InlineData("""{"a": "x"}""", "")]
    [InlineData("""{"a": 0.5}""", "")]
    [InlineData("{}", "it has 0 tokens")]
    [InlineData("[1]", "")]
    [InlineData("""{"a": 0}""", "it has no token for the byte 0")]
    public void BadVocabulariesAreRefused(string json, string message)
    {
        var error = Assert.Throws<VocabularyFormatException>(() => ByteLevelBpeTokenizer.Parse(Encoding.UTF8.GetBytes(json), ""u8, "v.json"));
        Assert.StartsWith("v.json: not a valid vocabulary: " + message, error.Message);
        Assert.Throws<VocabularyFormatException>(() => BpeTokenizer.Parse(Encoding.UTF8.GetBytes(json), ""u8));
    }

    private static string[] Words(string text)
    {
        List<string> words = [];
        for (var at = 0; at < text.Length; at += words[^1].Length) words.Add(text.Substring(at, ByteLevelPretokenizer.NextLength(text.AsSpan(at))));
        return [.. words];
    }

    private static (List<(string Left, string Right)> Pairs, List<string> Vocabulary) RandomMerges(int seed)
    {
        var random = new Random(seed);
        List<string> vocabulary = ["a", "b", "c", "a$", "b$", "c$"];
        List<(string, string)> pairs = [];
        for (var i = 0; i < 12; i++)
        {
            var (left, right) = (vocabulary[random.Next(vocabulary.Count)], vocabulary[random.Next(vocabulary.Count)]);
            if (left.Contains('$') || pairs.Contains((left, right))) continue;
            pairs.Add((left, right));
            if (!vocabulary.Contains(left + right)) vocabulary.Add(left + right);
        }
        return (pairs, vocabulary);
    }

    private static ByteLevelBpeTokenizer ParseByteLevel(string merges)
    {
        var alphabet = ByteLevelBpeTokenizer.Alphabet().Select(c => c.ToString());
        return ByteLevelBpeTokenizer.Parse(Json([.. alphabet, "lo", "low", "er", "Ġlow", "Ġlower", "ne", "<|end|>"]), Encoding.UTF8.GetBytes(merges), "v.json", "m.txt");
    }

    private static byte[] Json(params string[] tokens) =>
        Encoding.UTF8.GetBytes("{" + string.Join(',', tokens.Select((t, i) => $"\"{JsonEncodedText.Encode(t)}\": {i}")) + "}");
}
