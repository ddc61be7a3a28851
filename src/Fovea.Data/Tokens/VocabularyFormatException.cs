namespace Fovea.Data;

/// <summary>A tokenizer's file is not well formed: the message names the file and says what is wrong.</summary>
public sealed class VocabularyFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public VocabularyFormatException(string fileName, string problem, Exception? inner = null)
        : base($"{fileName}: not a valid vocabulary: {problem}", inner) => FileName = fileName;

    /// <summary>The file, or the name given instead.</summary>
    public string FileName { get; }
}
