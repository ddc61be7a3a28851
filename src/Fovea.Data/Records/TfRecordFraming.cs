using System.Buffers.Binary;

namespace Fovea.Data;

/// <summary>A record in a file: uint64 length, uint32 masked CRC of the eight length bytes, the data, uint32 masked CRC of the
/// data; all little-endian. There is no file header, so files can be concatenated.</summary>
internal static class TfRecordFraming
{
    internal const int HeaderBytes = 12;
    internal const int FooterBytes = 4;
    internal const int Overhead = HeaderBytes + FooterBytes;

    /// <summary>The length, from at least <see cref="HeaderBytes"/> bytes; false where its checksum does not match.</summary>
    internal static bool TryReadLength(ReadOnlySpan<byte> header, out ulong length)
    {
        length = BinaryPrimitives.ReadUInt64LittleEndian(header);
        return Crc32C.Mask(Crc32C.Compute(length)) == BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
    }

    /// <summary>Whether data and the checksum after it agree; <paramref name="bytes"/> is both.</summary>
    internal static bool IsSound(ReadOnlySpan<byte> bytes) =>
        Crc32C.Mask(Crc32C.Compute(bytes[..^FooterBytes])) == BinaryPrimitives.ReadUInt32LittleEndian(bytes[^FooterBytes..]);

    internal static void WriteHeader(Span<byte> header, int length)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Crc32C.Mask(Crc32C.Compute((ulong)length)));
    }

    internal static void WriteFooter(Span<byte> footer, ReadOnlySpan<byte> data) =>
        BinaryPrimitives.WriteUInt32LittleEndian(footer, Crc32C.Mask(Crc32C.Compute(data)));
}
