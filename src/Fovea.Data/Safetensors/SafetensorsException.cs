namespace Fovea.Data;

/// <summary>A file is not a valid safetensors file.</summary>
public sealed class SafetensorsException : FormatException
{
    /// <summary>Names the file and what is wrong.</summary>
    public SafetensorsException(string file, string message, Exception? inner = null)
        : base($"{file}: {message}", inner)
    {
    }
}
