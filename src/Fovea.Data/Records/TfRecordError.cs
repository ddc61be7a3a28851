namespace Fovea.Data;

/// <summary>What is wrong with a TFRecord file. TensorFlow reports all of them as DataLoss, with "corrupted" or "truncated" in
/// the message.</summary>
public enum TfRecordError
{
    /// <summary>The file ends inside of a record.</summary>
    Truncated,

    /// <summary>The checksum of the length does not match: nothing is known about where the next record starts.</summary>
    CorruptedLength,

    /// <summary>The checksum of the data does not match.</summary>
    CorruptedData,

    /// <summary>The record is longer than <see cref="TfRecordReaderOptions.MaxRecordBytes"/>.</summary>
    TooLong,

    /// <summary>The GZIP or ZLIB stream around the records is damaged.</summary>
    CorruptedCompression,
}
