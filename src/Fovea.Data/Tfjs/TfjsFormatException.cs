namespace Fovea.Data;

/// <summary>A TensorFlow.js model is not well formed: the message names the file and says what is wrong.</summary>
public sealed class TfjsFormatException : FormatException
{
    /// <summary>Creates the exception for <paramref name="fileName"/>.</summary>
    public TfjsFormatException(string fileName, string problem, Exception? inner = null)
        : base($"{fileName}: not valid TensorFlow.js weights: {problem}", inner) => FileName = fileName;

    /// <summary>The file, or the name given to <see cref="TfjsWeights.Parse"/>.</summary>
    public string FileName { get; }
}
