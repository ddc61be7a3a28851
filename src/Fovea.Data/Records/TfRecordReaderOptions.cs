namespace Fovea.Data;

/// <summary>How to read TFRecord files.</summary>
public sealed record TfRecordReaderOptions
{
    /// <summary>The most that <see cref="MaxRecordBytes"/> can be.</summary>
    public const int LargestRecord = 1 << 30;

    /// <summary>Compression of the file; like TensorFlow, nothing is guessed unless <see cref="TfRecordCompression.Detect"/> is
    /// asked for.</summary>
    public TfRecordCompression Compression { get; init; }

    /// <summary>Longer records are refused. A length is believed, and memory taken, only after its checksum.</summary>
    public int MaxRecordBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, LargestRecord);
            field = value;
        }
    } = LargestRecord;

    /// <summary>Whether the checksum of the data is checked; that of the length always is.</summary>
    public bool VerifyData { get; init; } = true;

    /// <summary>Goes on after damage with the next sound record, instead of throwing. A record whose data is damaged is
    /// skipped; after a damaged length, the next 12 bytes that are a length with its checksum count as a record: a false one
    /// has probability 2^-32 at each byte, and must then pass the data's checksum as well. What was lost is counted.</summary>
    public bool SkipDamaged { get; init; }
}
