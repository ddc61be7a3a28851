using System.Text;
using Fovea.Data;
using Fovea.Models.TextRecognition;

namespace Fovea.Models.Tests.TextRecognition;

public sealed class CtcDecoderTests
{
    private const int Keys = TextAlphabet.Classes - 2, Space = TextAlphabet.Classes - 1;

    // Key i is the character U+4E00 + i, but the first three are a, b and one beyond the basic plane.
    private static readonly TextAlphabet Alphabet = TextAlphabet.Parse(Encoding.UTF8.GetBytes(string.Join('\n', KeyLines())), "keys");

    public static TheoryData<int[], float[], string, float> Lines => new()
    {
        { [], [], "", 0 },
        { [0, 0, 0], [1, 1, 1], "", 0 },
        { [1, 2, 1], [0.5f, 0.25f, 0.75f], "aba", 0.5f },
        { [0, 1, 1, 1, 0], [1, 0.5f, 0.75f, 1, 1], "a", 0.5f }, // the first column of a run counts
        { [1, 0, 1, 0, 0, 1], [1, 0, 0.5f, 0, 0, 0], "aaa", 0.5f }, // blanks separate equal ones
        { [1, 1, 2, 2, 0, 2], [1, 0, 1, 0, 0, 1], "abb", 1 },
        { [1, Space, Space, 2], [1, 0.5f, 0, 0], "a b", 0.5f },
        { [3, 0, 4], [1, 0, 1], "\U000231C9\u4E03", 1 },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void RunsAreOneCharacterAndBlanksNone(int[] classes, float[] probabilities, string text, float confidence) =>
        Assert.Equal(new RecognizedText(text, confidence), CtcDecoder.Decode(classes, probabilities, Alphabet));

    [Fact]
    public void KeysStandBetweenBlankAndSpace()
    {
        Assert.Equal(("", "a", " "), (Alphabet[TextAlphabet.Blank], Alphabet[1], Alphabet[Space]));
        Assert.Equal(((char)(0x4E00 + Keys - 1)).ToString(), Alphabet[Keys]);
        var ended = TextAlphabet.Parse(Encoding.UTF8.GetBytes(string.Join("\r\n", KeyLines()) + "\r\n"), "keys");
        Assert.Equal("b", ended[2]);
    }

    [Fact]
    public void DamagedKeysAreRefused()
    {
        Assert.Equal("k.txt: not a valid vocabulary: it has 6622 keys instead of 6623", Refuse([.. KeyLines().Skip(1)]));
        Assert.Equal("k.txt: not a valid vocabulary: it has 0 keys instead of 6623", Refuse([]));
        Assert.Equal("k.txt: not a valid vocabulary: line 5, 'xy', is not one character", Refuse(With(4, "xy")));
        Assert.Equal("k.txt: not a valid vocabulary: line 1, '', is not one character", Refuse(With(0, "")));
        var error = Assert.Throws<VocabularyFormatException>(() => TextAlphabet.Parse([0x61, 0xFF, 0x0A], "k.txt"));
        Assert.Equal("k.txt: not a valid vocabulary: it is not UTF-8", error.Message);
    }

    private static string[] KeyLines() =>
        ["a", "b", "\U000231C9", .. Enumerable.Range(3, Keys - 3).Select(i => ((char)(0x4E00 + i)).ToString())];

    private static string[] With(int index, string line)
    {
        var lines = KeyLines();
        lines[index] = line;
        return lines;
    }

    private static string Refuse(string[] lines)
    {
        var bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines));
        return Assert.Throws<VocabularyFormatException>(() => TextAlphabet.Parse(bytes, "k.txt")).Message;
    }
}
