using Xunit;

namespace Fovea.Data.Tests.Records;

public class TfRecordRecoveryTests
{
    private static readonly TfRecordReaderOptions Skip = new() { SkipDamaged = true };

    public static TheoryData<string> Readings => [.. TfRecords.Readings.Keys];

    // Whatever bit is flipped, only the record that holds it is lost.
    [Theory, MemberData(nameof(Readings))]
    public void OneFlippedBitCostsOneRecord(string reading)
    {
        var records = TfRecords.Sample(5);
        var file = TfRecords.Write(records);
        var start = 0;
        for (var damaged = 0; damaged < records.Length; damaged++)
        {
            byte[][] others = [.. records[..damaged], .. records[(damaged + 1)..]];
            for (var bit = 8 * start; bit < 8 * (start + 16 + records[damaged].Length); bit += 3)
            {
                if (reading == "mapped file" && bit % 97 != 0) continue;
                file[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Equal(others, TfRecords.Readings[reading](file, Skip));
                file[bit / 8] ^= (byte)(1 << (bit % 8));
            }
            start += 16 + records[damaged].Length;
        }
    }

    // A writer died in the middle of a record, and another one appended to the file.
    [Theory, MemberData(nameof(Readings))]
    public void RecordsAppendedToATruncatedFileAreFound(string reading)
    {
        var before = TfRecords.Sample(3, seed: 3);
        var after = TfRecords.Sample(4, seed: 4);
        var torn = TfRecords.Write([.. before, new byte[500]]);
        for (var cut = 1; cut < 516; cut += 37)
            Assert.Equal([.. before, .. after], TfRecords.Readings[reading]([.. torn[..^cut], .. TfRecords.Write(after)], Skip));
    }

    [Theory, MemberData(nameof(Readings))]
    public void NoiseIsSkippedToTheEnd(string reading)
    {
        var noise = new byte[1000];
        new Random(5).NextBytes(noise);
        Assert.Empty(TfRecords.Readings[reading](noise, Skip));
        byte[] record = [1, 2, 3];
        Assert.Equal([record], TfRecords.Readings[reading]([.. noise, .. TfRecords.Write([record]), .. noise[..5]], Skip));
    }

    [Fact]
    public void LossesAreCounted()
    {
        var records = TfRecords.Sample(6);
        var file = TfRecords.Write(records);
        file[12 + 1] ^= 4;
        file[^1] ^= 4;
        var reader = new TfRecordSpanReader(file, Skip);
        var read = 0;
        while (reader.MoveNext()) read++;
        Assert.Equal((4, 2), (read, reader.SkippedRegions));
        Assert.Equal(32 + records[0].Length + records[5].Length, reader.SkippedBytes);
    }
}
