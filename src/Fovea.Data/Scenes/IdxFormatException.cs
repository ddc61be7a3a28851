namespace Fovea.Data;

/// <summary>A file is not an idx file that can be used (another format, truncated, damaged, too large).</summary>
public sealed class IdxFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public IdxFormatException(string fileName, string problem, Exception? cause = null)
        : base($"{fileName}: {problem}", cause) => FileName = fileName;

    /// <summary>The file, or the name given for bytes in memory.</summary>
    public string FileName { get; }
}
