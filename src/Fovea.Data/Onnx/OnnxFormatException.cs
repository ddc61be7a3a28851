namespace Fovea.Data;

/// <summary>An ONNX model is not well formed: the message names the file and says what is wrong.</summary>
public sealed class OnnxFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public OnnxFormatException(string fileName, string problem, Exception? inner = null)
        : base($"{fileName}: not a valid ONNX model: {problem}", inner) => FileName = fileName;

    /// <summary>The file, or the name given to <see cref="OnnxWeights.Parse"/>.</summary>
    public string FileName { get; }
}
