namespace Fovea.Data;

/// <summary>A file is not a valid RWKV model file, or not of the kind that is asked for.</summary>
public sealed class RwkvFileException : FormatException
{
    /// <summary>Names the file and what is wrong.</summary>
    public RwkvFileException(string file, string message)
        : base($"{file}: {message}")
    {
    }
}
