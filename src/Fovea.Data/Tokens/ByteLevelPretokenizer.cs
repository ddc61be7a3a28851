using System.Globalization;
using System.Text;

namespace Fovea.Data;

/// <summary>GPT-2's rule of cutting text into words, which merges do not cross. Equal to its regular expression
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, in one pass without backtracking.</summary>
internal static class ByteLevelPretokenizer
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind { Letter, Number, Space, Other }

    /// <summary>Length of the word at the beginning of a text that is not empty.</summary>
    public static int NextLength(ReadOnlySpan<char> text)
    {
        foreach (var contraction in Contractions)
            if (text.StartsWith(contraction, StringComparison.Ordinal)) return contraction.Length;
        // A word may begin with one plain space.
        var start = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        var kind = KindAt(text[start..], out _);
        if (kind != Kind.Space) return start + RunLength(text[start..], kind);
        var run = RunLength(text, Kind.Space);
        // White space in front of a word leaves its last character to that word.
        if (run == text.Length) return run;
        var last = run - 1;
        return last == 0 ? 1 : last;
    }

    private static int RunLength(ReadOnlySpan<char> text, Kind kind)
    {
        var length = 0;
        while (length < text.Length && KindAt(text[length..], out var characters) == kind) length += characters;
        return length;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int characters)
    {
        Rune.DecodeFromUtf16(text, out var rune, out characters);
        if (Rune.IsWhiteSpace(rune)) return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
