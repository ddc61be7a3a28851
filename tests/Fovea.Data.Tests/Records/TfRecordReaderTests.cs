using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests.Records;

public class TfRecordReaderTests
{
    private const string Empty = "000000000000000029039807d8ea82a2";
    private const string Hello = "0500000000000000eab2043e68656c6c6fbb1f1c19";

    public static TheoryData<string> Readings => [.. TfRecords.Readings.Keys];

    [Fact]
    public void WritesTheGoldenBytes()
    {
        Assert.Equal("", Hex([]));
        Assert.Equal(Empty, Hex([[]]));
        Assert.Equal(Hello, Hex(["hello"u8.ToArray()]));
        Assert.Equal(Hello + Empty + Hello, Hex(["hello"u8.ToArray(), [], "hello"u8.ToArray()]));
        static string Hex(byte[][] records) => Convert.ToHexStringLower(TfRecords.Write(records));
    }

    [Theory, MemberData(nameof(Readings))]
    public void ReadsWhatWasWritten(string reading)
    {
        foreach (var count in (int[])[0, 1, 2, 40])
        {
            var records = TfRecords.Sample(count);
            Assert.Equal(records, TfRecords.Readings[reading](TfRecords.Write(records)));
        }
    }

    [Theory, MemberData(nameof(Readings))]
    public void ReadsThePublishedVectors(string reading)
    {
        using var cases = JsonDocument.Parse(SharedData.Vectors("tfrecord.json"));
        foreach (var item in cases.RootElement.EnumerateArray())
        {
            var file = item.GetProperty("base64").GetBytesFromBase64();
            if (item.TryGetProperty("records", out var expected))
            {
                var records = TfRecords.Readings[reading](file);
                Assert.Equal(expected.EnumerateArray().Select(r => r.GetString()), records.Select(Encoding.UTF8.GetString));
                Assert.Equal(file, TfRecords.Write(records));
                continue;
            }
            var error = Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](file)).Error;
            Assert.Equal(item.GetProperty("error").GetString() switch
            {
                "truncated" => TfRecordError.Truncated,
                "data CRC mismatch" => TfRecordError.CorruptedData,
                _ => TfRecordError.CorruptedLength,
            }, error);
        }
    }

    [Theory]
    [InlineData("example.tfrecord", 4)]
    [InlineData("sequence_example.tfrecord", 4)]
    public void ReadsAndRewritesFilesOfTensorFlow(string name, int count)
    {
        var file = File.ReadAllBytes(SharedData.File("models", "tfrecord", name));
        foreach (var reading in TfRecords.Readings.Values)
        {
            var records = reading(file);
            Assert.Equal(count, records.Count);
            Assert.Equal(file, TfRecords.Write(records));
        }
    }

    [Theory, MemberData(nameof(Readings))]
    public void EveryFlippedBitIsFound(string reading)
    {
        var records = TfRecords.Sample(3);
        var file = TfRecords.Write(records);
        for (var bit = 0; bit < 8 * file.Length; bit++)
        {
            // Mapping a file for each bit would only test the file system.
            if (reading == "mapped file" && bit % 97 != 0) continue;
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            var e = Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](file));
            Assert.Contains(e.Error, new[] { TfRecordError.CorruptedLength, TfRecordError.CorruptedData });
            Assert.Contains("corrupted", e.Message);
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory, MemberData(nameof(Readings))]
    public void EveryTruncationIsFound(string reading)
    {
        var records = TfRecords.Sample(4);
        var file = TfRecords.Write(records);
        var ends = new List<int> { 0 };
        foreach (var record in records) ends.Add(ends[^1] + 16 + record.Length);
        for (var length = 0; length < file.Length; length++)
        {
            var cut = file[..length];
            if (ends.IndexOf(length) is var whole and >= 0)
            {
                Assert.Equal(records[..whole], TfRecords.Readings[reading](cut));
                continue;
            }
            var e = Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](cut));
            Assert.Equal(TfRecordError.Truncated, e.Error);
            Assert.Contains("truncated", e.Message);
            Assert.Equal(ends.Last(end => end < length), e.Offset);
        }
    }

    [Theory, MemberData(nameof(Readings))]
    public void HostileLengthsCostNothing(string reading)
    {
        foreach (var length in (ulong[])[1ul << 31, 1ul << 60, ulong.MaxValue, (1 << 30) + 1])
        {
            var e = Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](Header(length)));
            Assert.Equal(TfRecordError.TooLong, e.Error);
        }
        // A length within the limit is only believed as far as the data goes.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(TfRecordError.Truncated, Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](Header(1 << 30))).Error);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        var small = new TfRecordReaderOptions { MaxRecordBytes = 4 };
        Assert.Equal(TfRecordError.TooLong, Assert.Throws<TfRecordException>(() => TfRecords.Readings[reading](Convert.FromHexString(Hello), small)).Error);
    }

    [Fact]
    public void DamagedDataPassesWhereItIsNotVerified()
    {
        var file = Convert.FromHexString(Hello);
        file[12] ^= 1;
        foreach (var reading in TfRecords.Readings.Values)
            Assert.Equal("iello", Encoding.UTF8.GetString(reading(file, new TfRecordReaderOptions { VerifyData = false }).Single()));
    }

    [Fact]
    public void PositionsCanBeResumed()
    {
        using var folder = new TempFolder();
        var records = TfRecords.Sample(9);
        foreach (var compression in (TfRecordCompression[])[TfRecordCompression.None, TfRecordCompression.Gzip, TfRecordCompression.Zlib])
        {
            var path = folder.Write("a", TfRecords.Write(new TfRecordWriterOptions { Compression = compression }, records));
            var options = new TfRecordReaderOptions { Compression = compression };
            using var first = TfRecordReader.Open(path, options);
            for (var read = 0; read <= records.Length; read++)
            {
                using var resumed = TfRecordReader.Open(path, options, first.Position);
                var rest = new List<byte[]>();
                while (resumed.Read()) rest.Add(resumed.Current.ToArray());
                Assert.Equal(records[read..], rest);
                Assert.Equal(read < records.Length, first.Read());
            }
            var e = Assert.Throws<TfRecordException>(() => TfRecordReader.Open(path, options, 100_000));
            Assert.Equal(TfRecordError.Truncated, e.Error);
        }
    }

    [Fact]
    public void ReadingAllocatesNothingPerRecord()
    {
        var file = TfRecords.Write(TfRecords.Sample(2000));
        using var stream = new MemoryStream(file);
        using var reader = new TfRecordReader(stream);
        for (var i = 0; i < 1000; i++) Assert.True(reader.Read());
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (reader.Read())
        {
        }
        foreach (var record in new TfRecordSpanReader(file)) _ = record.Length;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256);
    }

    [Fact]
    public void MessagesNameFilePlaceAndProblem()
    {
        var file = Convert.FromHexString(Empty + Hello);
        file[28] ^= 1;
        using var folder = new TempFolder();
        var path = folder.Write("train-00001.tfrecord", file);
        using var mapped = new TfRecordFile(path);
        var e = Assert.Throws<TfRecordException>(() => mapped.ReadAt(16));
        Assert.Equal($"{path}: record at byte 16: corrupted: the checksum of the data does not match", e.Message);
        Assert.Equal((path, 16L), (e.FileName, e.Offset));
    }

    private static byte[] Header(ulong length)
    {
        var bytes = new byte[20];
        BitConverter.GetBytes(length).CopyTo(bytes, 0);
        BitConverter.GetBytes(Crc32C.Mask(Crc32C.Compute(bytes.AsSpan(0, 8)))).CopyTo(bytes, 8);
        return bytes;
    }
}
