using System.IO.Compression;
using Xunit;

namespace Fovea.Data.Tests.Records;

public class CompressedRecordTests
{
    private static readonly TfRecordReaderOptions Detect = new() { Compression = TfRecordCompression.Detect };

    public static TheoryData<TfRecordCompression, CompressionLevel> Forms =>
        new MatrixTheoryData<TfRecordCompression, CompressionLevel>(
            [TfRecordCompression.Gzip, TfRecordCompression.Zlib], [CompressionLevel.Optimal, CompressionLevel.NoCompression]);

    [Theory, MemberData(nameof(Forms))]
    public void ReadsWhatWasWritten(TfRecordCompression compression, CompressionLevel level)
    {
        var records = TfRecords.Sample(100);
        var file = TfRecords.Write(new TfRecordWriterOptions { Compression = compression, Level = level }, records);
        foreach (var options in (TfRecordReaderOptions[])[Detect, new() { Compression = compression }])
            Assert.Equal(records, TfRecords.Stream(new MemoryStream(file), options));
        using var stream = new MemoryStream(file);
        using var reader = new TfRecordReader(stream, Detect, leaveOpen: true);
        Assert.Equal(compression, reader.Compression);
    }

    // The end of a record, the end of the deflate data and each byte of the trailer are places to cut.
    [Theory, MemberData(nameof(Forms))]
    public void EveryTruncationIsFound(TfRecordCompression compression, CompressionLevel level)
    {
        var records = TfRecords.Sample(6);
        var file = TfRecords.Write(new TfRecordWriterOptions { Compression = compression, Level = level }, records);
        for (var length = 1; length < file.Length; length++)
        {
            foreach (var isAsync in (bool[])[false, true])
            {
                var read = new List<byte[]>();
                using var reader = new TfRecordReader(new MemoryStream(file[..length]), new() { Compression = compression });
                var e = Assert.Throws<TfRecordException>(() =>
                {
                    while (isAsync ? reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().GetAwaiter().GetResult() : reader.Read()) read.Add(reader.Current.ToArray());
                });
                Assert.Equal(TfRecordError.Truncated, e.Error);
                Assert.Equal(records[..read.Count], read);
            }
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void AFlippedBitIsFoundOrHarmless(TfRecordCompression compression, CompressionLevel level)
    {
        var records = TfRecords.Sample(6);
        var file = TfRecords.Write(new TfRecordWriterOptions { Compression = compression, Level = level }, records);
        for (var bit = 0; bit < 8 * file.Length; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                // Some bits say nothing about the data: the time in GZIP's header, padding between blocks.
                Assert.Equal(records, TfRecords.Stream(new MemoryStream(file), new() { Compression = compression }));
            }
            catch (TfRecordException)
            {
            }
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void GzipMembersAreOneStream()
    {
        var records = TfRecords.Sample(50);
        var plain = TfRecords.Write(records);
        for (var cut = 0; cut <= plain.Length; cut += 97)
        {
            byte[] members = [.. TfRecords.Gzip(plain[..cut]), .. TfRecords.Gzip([]), .. TfRecords.Gzip(plain[cut..])];
            Assert.Equal(records, TfRecords.Stream(new MemoryStream(members), Detect));
        }
    }

    [Fact]
    public void EmptyFilesHaveNoRecords()
    {
        foreach (var compression in (TfRecordCompression[])[TfRecordCompression.Gzip, TfRecordCompression.Zlib, TfRecordCompression.Detect])
        {
            Assert.Empty(TfRecords.Stream(new MemoryStream([]), new() { Compression = compression }));
            if (compression == TfRecordCompression.Detect) continue;
            Assert.Empty(TfRecords.Stream(new MemoryStream(TfRecords.Write(new TfRecordWriterOptions { Compression = compression })), Detect));
        }
    }

    // Records whose lengths look like the magic numbers of the formats.
    [Theory]
    [InlineData(0x8b1f)]
    [InlineData(0x9c78)]
    [InlineData(0x0178)]
    public void ARecordThatLooksCompressedIsNot(int length)
    {
        var record = new byte[length];
        Assert.Equal([record], TfRecords.Stream(new MemoryStream(TfRecords.Write([record])), Detect));
    }

    [Fact]
    public void OtherBytesAreRefused()
    {
        foreach (var compression in (TfRecordCompression[])[TfRecordCompression.Gzip, TfRecordCompression.Zlib])
        {
            var e = Assert.Throws<TfRecordException>(() => TfRecords.Stream(new MemoryStream(TfRecords.Write(TfRecords.Sample(3))), new() { Compression = compression }));
            Assert.Equal(TfRecordError.CorruptedCompression, e.Error);
        }
        Assert.Throws<ArgumentException>(() => new TfRecordSpanReader([], Detect));
        Assert.Throws<ArgumentException>(() => TfRecordPipe.ReadAllAsync(System.IO.Pipelines.PipeReader.Create(Stream.Null), Detect, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TfRecordWriter(Stream.Null, new() { Compression = TfRecordCompression.Detect }));
    }

    [Fact]
    public void FlushedRecordsCanBeReadBeforeTheEnd()
    {
        foreach (var compression in (TfRecordCompression[])[TfRecordCompression.None, TfRecordCompression.Gzip, TfRecordCompression.Zlib])
        {
            using var file = new MemoryStream();
            using var writer = new TfRecordWriter(file, new() { Compression = compression });
            writer.Write("one"u8);
            writer.Flush();
            using var reader = new TfRecordReader(new MemoryStream(file.ToArray()), new() { Compression = compression });
            Assert.True(reader.Read());
            Assert.True(reader.Current.Span.SequenceEqual("one"u8));
            writer.Write("two"u8);
        }
    }
}
