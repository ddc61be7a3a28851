namespace Fovea.Data;

/// <summary>A batch does not suit a feature column, or a column file is wrong; the message names the column.</summary>
public sealed class FeatureException : FormatException
{
    /// <summary>Creates the exception for a column, a key or a file.</summary>
    public FeatureException(string subject, string problem) : base($"{subject}: {problem}") => Subject = subject;

    /// <summary>Name of the column, of the raw feature or of the file.</summary>
    public string Subject { get; }
}
