namespace Fovea.Data;

/// <summary>A TFLite file is not well formed: the message names the file and says what is wrong.</summary>
public sealed class TfliteFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public TfliteFormatException(string fileName, string problem)
        : base($"{fileName}: not a valid TFLite model: {problem}") => FileName = fileName;

    /// <summary>The file, or the name given to <see cref="TfliteModel.Parse"/>.</summary>
    public string FileName { get; }
}
