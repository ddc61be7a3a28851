namespace Fovea.Data;

/// <summary>A file is not an image that can be used (empty, another format, truncated, damaged, too large).</summary>
public sealed class ImageFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public ImageFormatException(string fileName, string problem)
        : base($"{fileName}: {problem}") => FileName = fileName;

    /// <summary>The file, or the name given for bytes in memory.</summary>
    public string FileName { get; }
}
