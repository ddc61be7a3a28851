namespace Fovea.Data;

/// <summary>A TFRecord file is truncated or damaged; the message names the file, the place and the problem.</summary>
public sealed class TfRecordException : FormatException
{
    /// <summary>Creates the exception for the record that starts at <paramref name="offset"/>.</summary>
    public TfRecordException(string fileName, long offset, TfRecordError error, string problem, Exception? innerException = null)
        : base($"{fileName}: record at byte {offset}: {problem}", innerException)
    {
        FileName = fileName;
        Offset = offset;
        Error = error;
    }

    /// <summary>The file, or the name given for bytes in memory.</summary>
    public string FileName { get; }

    /// <summary>Where the record starts, in bytes of the uncompressed file.</summary>
    public long Offset { get; }

    /// <summary>Kind of damage.</summary>
    public TfRecordError Error { get; }
}
