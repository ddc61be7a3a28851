using System.IO.Compression;

namespace Fovea.Data;

/// <summary>Streams that compress and decompress whole TFRecord files.</summary>
internal static class CompressedStream
{
    internal static Stream ForReading(CompressedInput input, TfRecordCompression compression) => compression switch
    {
        TfRecordCompression.Gzip => new GZipStream(input, CompressionMode.Decompress),
        TfRecordCompression.Zlib => new ZLibStream(input, CompressionMode.Decompress),
        _ => throw new ArgumentOutOfRangeException(nameof(compression), compression, "unknown compression"),
    };

    internal static Stream ForWriting(Stream stream, TfRecordCompression compression, CompressionLevel level, bool leaveOpen) =>
        compression switch
        {
            TfRecordCompression.None => stream,
            TfRecordCompression.Gzip => new GZipStream(stream, level, leaveOpen),
            TfRecordCompression.Zlib => new ZLibStream(stream, level, leaveOpen),
            _ => throw new ArgumentOutOfRangeException(nameof(compression), compression, "a file is written with None, Gzip or Zlib"),
        };

    /// <summary>The compression of what comes next in a stream, whose position stays.</summary>
    internal static TfRecordCompression Detect(Stream stream)
    {
        if (!stream.CanSeek) throw new NotSupportedException("compression can only be detected in a stream that seeks");
        Span<byte> head = stackalloc byte[TfRecordFraming.HeaderBytes];
        var count = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Seek(-count, SeekOrigin.Current);
        return Detect(head[..count]);
    }

    // A record of 0x8b1f or 0x9c78 bytes starts like a compressed stream, so the header's checksum is asked first.
    internal static TfRecordCompression Detect(ReadOnlySpan<byte> head)
    {
        if (head.Length >= TfRecordFraming.HeaderBytes && TfRecordFraming.TryReadLength(head, out _)) return TfRecordCompression.None;
        return head switch
        {
            [0x1f, 0x8b, ..] => TfRecordCompression.Gzip,
            [var method, var flags, ..] when (method & 0x8f) == 8 && (256 * method + flags) % 31 == 0 => TfRecordCompression.Zlib,
            _ => TfRecordCompression.None,
        };
    }
}
