using System.IO.Compression;

namespace Fovea.Data;

/// <summary>How to write TFRecord files.</summary>
public sealed record TfRecordWriterOptions
{
    /// <summary>Compression of the file: None, Gzip or Zlib.</summary>
    public TfRecordCompression Compression { get; init; }

    /// <summary>How hard to compress.</summary>
    public CompressionLevel Level { get; init; } = CompressionLevel.Optimal;
}
