using System.Globalization;
using System.Text;
using Fovea.Data;

namespace Fovea.Models.TextRecognition;

/// <summary>What the classes of a text recogniser stand for: class 0 is the blank of CTC, the last one a space, those between are the lines
/// of a file of keys.</summary>
public sealed class TextAlphabet
{
    /// <summary>Classes of PP-OCRv4: 6623 keys, blank and space.</summary>
    public const int Classes = 6625;

    /// <summary>The class that separates equal characters and stands for no character.</summary>
    public const int Blank = 0;

    private readonly string[] _characters;

    private TextAlphabet(string[] characters) => _characters = characters;

    /// <summary>The character of a class; empty for the blank.</summary>
    public string this[int index] => _characters[index];

    /// <summary>Reads a file of keys: UTF-8, one character a line.</summary>
    /// <param name="keys">The file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <exception cref="VocabularyFormatException">It is not UTF-8, a line is not one character, or their number is another.</exception>
    public static TextAlphabet Parse(ReadOnlySpan<byte> keys, string name)
    {
        string text;
        try
        {
            text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(keys);
        }
        catch (DecoderFallbackException e)
        {
            throw new VocabularyFormatException(name, "it is not UTF-8", e);
        }
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1]; // behind the last line's end
        if (lines.Length != Classes - 2) throw new VocabularyFormatException(name, $"it has {lines.Length} keys instead of {Classes - 2}");
        var characters = new string[Classes];
        characters[Blank] = "";
        characters[^1] = " ";
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || StringInfo.GetNextTextElementLength(lines[i]) != lines[i].Length)
                throw new VocabularyFormatException(name, $"line {i + 1}, '{lines[i]}', is not one character");
            characters[i + 1] = lines[i];
        }
        return new TextAlphabet(characters);
    }
}
