namespace Fovea.Detection.Evaluation;

/// <summary>A file of annotations or results is not well formed: the message names the file and says where and what.</summary>
public sealed class AnnotationFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public AnnotationFormatException(string fileName, string problem, Exception? inner = null)
        : base($"{fileName}: {problem}", inner) => FileName = fileName;

    /// <summary>The file, or the name given for a stream.</summary>
    public string FileName { get; }
}
