using System.Text;
using FsCheck.Xunit;
using Xunit;

namespace Fovea.Data.Tests.Tokens;

public sealed class UnigramTokenizerTests
{
    private const string Vocabulary = """
        [["<unk>", 0], ["<s>", 0], ["▁", -4], ["a", -3], ["b", -3.5], ["ab", -5], ["▁a", -6], ["abb", -7], ["▁ab", -9], ["😀", -8], ["c", -2]]
        """;

    private static readonly UnigramTokenizer Tokenizer = Parse(Vocabulary);

    // By hand: "▁abb" as ▁ + abb is -11, ▁a + b + b -13, ▁ab + b -12.5, ▁ + ab + b -12.5.
    [Theory]
    [InlineData("abb", new[] { 2, 7 })]
    [InlineData("a a", new[] { 6, 6 })]              // ▁a -6 against ▁ + a -7
    [InlineData("ab", new[] { 8 })]                  // ▁ + ab -9 equals ▁ab -9: the longest last piece
    [InlineData("cab", new[] { 2, 10, 5 })]
    [InlineData("axyb", new[] { 6, 0, 4 })]          // neighbours that no piece holds are one token
    [InlineData("😀x😀", new[] { 2, 9, 0, 9 })]
    [InlineData("", new int[0])]
    public void TheBestPathWins(string text, int[] expected) => Assert.Equal(expected, Tokenizer.Encode(text).Select(t => t.Id));

    [Fact]
    public void SpansPointIntoTheText()
    {
        Assert.Equal([new Token(6, 0, 1), new Token(0, 1, 2), new Token(4, 3, 1)], Tokenizer.Encode("axyb"));
        Assert.Equal([new Token(2, 0, 0), new Token(9, 0, 2), new Token(2, 2, 1), new Token(9, 3, 2)], Tokenizer.Encode("😀 😀"));
    }

    // A score of null is 0; of equal pieces the last one counts.
    [Fact]
    public void OddPublishedVocabulariesAreRead()
    {
        var tokenizer = Parse("""[["u", 0], ["s", 0], ["▁", -1], ["a", -1], [":", null], ["a", -2]]""");
        Assert.Equal([2, 5, 4, 5], tokenizer.Encode("a:a").Select(t => t.Id));
    }

    [Fact]
    public void DecodeJoinsThePieces()
    {
        Assert.Equal("ab a", Tokenizer.Decode([8, 6]));
        Assert.Equal("", Tokenizer.Decode([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizer.Decode([-1]));
    }

    [Fact]
    public void BrokenSurrogatesAreUnknown() => Assert.Equal([2, 0, 4], Tokenizer.Encode("\ud800b").Select(t => t.Id));

    /// <summary>What the vocabulary holds comes back, and spans cover the text without gaps.</summary>
    [Property(MaxTest = 300)]
    public void RoundTrip(byte[] choices)
    {
        string[] parts = ["a", "b", "c", " ", "😀"];
        var text = string.Concat(choices.Select(c => parts[c % parts.Length]));
        var tokens = Tokenizer.Encode(text);
        Assert.Equal(text, Tokenizer.Decode([.. tokens.Select(t => t.Id)]));
        AssertCovers(text, tokens);
    }

    [Property(MaxTest = 300)]
    public void AnyTextIsCovered(string? text)
    {
        text ??= "";
        var tokens = Tokenizer.Encode(text);
        AssertCovers(UnigramTokenizer.Normalize(text), tokens);
        Assert.DoesNotContain(tokens, t => t.Id == 1);
    }

    /// <summary>No path is better: all cuts of short lines are tried.</summary>
    [Property(MaxTest = 100)]
    public void NoCutIsBetter(byte[] choices)
    {
        var text = string.Concat(choices.Take(7).Select(c => "ab"[c % 2]));
        if (text.Length == 0) return;
        var scores = new Dictionary<string, double> { ["▁"] = -4, ["a"] = -3, ["b"] = -3.5, ["ab"] = -5, ["▁a"] = -6, ["abb"] = -7, ["▁ab"] = -9 };
        string[] pieces = ["", "", "▁", "a", "b", "ab", "▁a", "abb", "▁ab"];
        Assert.Equal(Best("▁" + text), Tokenizer.Encode(text).Sum(t => scores[pieces[t.Id]]), 9);

        double Best(string line) => line.Length == 0 ? 0 : scores.Where(s => line.StartsWith(s.Key, StringComparison.Ordinal))
            .Select(s => s.Value + Best(line[s.Key.Length..])).DefaultIfEmpty(double.NegativeInfinity).Max();
    }

    [Theory]
    [InlineData("{}", "not a valid vocabulary")]
    [InlineData("[", "not a valid vocabulary")]
    [InlineData("[]", "it has 0 pieces")]
    [InlineData("""[["a"]]""", "piece 0 has 1 parts")]
    [InlineData("""[["", 0]]""", "piece 0 is empty")]
    [InlineData("""[[1, 0]]""", "not a valid vocabulary")]
    [InlineData("""[["a", 1e999]]""", "not a valid vocabulary")]
    [InlineData("""[["u", 0]]""", "control tokens reach beyond")]
    public void BadVocabulariesAreRefused(string json, string message) =>
        Assert.Contains(message, Assert.Throws<VocabularyFormatException>(() => Parse(json)).Message);

    private static UnigramTokenizer Parse(string json) => UnigramTokenizer.Parse(Encoding.UTF8.GetBytes(json), "v.json", reserved: 2, unknownId: 0);

    private static void AssertCovers(string text, IReadOnlyList<Token> tokens)
    {
        var end = 0;
        foreach (var token in tokens)
        {
            Assert.Equal(end, token.Start);
            end += token.Length;
        }
        Assert.Equal(text.Length, end);
    }
}
