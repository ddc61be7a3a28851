using Xunit;

namespace Fovea.Data.Tests.Records;

public sealed class TfRecordDatasetTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1, "00 01 02 03 04 10 30 31 32")]
    [InlineData(2, 1, "00 10 01 30 02 31 03 32 04")]
    [InlineData(2, 2, "00 01 10 30 02 03 31 32 04")]
    [InlineData(9, 1, "00 10 30 01 31 02 32 03 04")]
    [InlineData(9, 100, "00 01 02 03 04 10 30 31 32")]
    public void FilesTakeTurns(int cycle, int block, string expected)
    {
        foreach (var compression in (TfRecordCompression[])[TfRecordCompression.None, TfRecordCompression.Gzip])
        {
            // An empty file among them changes nothing.
            var files = Files(compression, 5, 1, 0, 3);
            Assert.Equal(expected, string.Join(' ', All(files, new() { Cycle = cycle, Block = block, Reader = new() { Compression = TfRecordCompression.Detect } })));
        }
    }

    [Fact]
    public void ShuffleIsAPermutationOfItsSeed()
    {
        var files = Files(TfRecordCompression.None, 50, 50);
        var inOrder = All(files, new());
        var one = All(files, new() { ShuffleBuffer = 20, Seed = 1 });
        Assert.NotEqual(inOrder, one);
        Assert.Equal(inOrder.Order(), one.Order());
        Assert.Equal(one, All(files, new() { ShuffleBuffer = 20, Seed = 1 }));
        Assert.NotEqual(one, All(files, new() { ShuffleBuffer = 20, Seed = 2 }));
        // Copies of compressed records come in the same order.
        var gzip = new TfRecordReaderOptions { Compression = TfRecordCompression.Gzip };
        Assert.Equal(one, All(Files(TfRecordCompression.Gzip, 50, 50), new() { ShuffleBuffer = 20, Seed = 1, Reader = gzip }));
        // A record comes at most as many places early as the buffer is large.
        for (var i = 0; i < one.Count; i++) Assert.InRange(inOrder.IndexOf(one[i]) - i, int.MinValue, 19);
        Assert.Equal(inOrder, All(files, new() { ShuffleBuffer = 1 }));
    }

    [Fact]
    public void EveryFirstRecordIsEquallyLikely()
    {
        var files = Files(TfRecordCompression.None, 8);
        var counts = new int[8];
        for (ulong seed = 0; seed < 4000; seed++)
        {
            using var dataset = new TfRecordDataset(files, new() { ShuffleBuffer = 8, Seed = seed });
            Assert.True(dataset.Read());
            counts[dataset.Current.Span[1] - '0']++;
        }
        // Five standard deviations of a binomial count: 5 sqrt(4000 / 8 * 7 / 8) = 105.
        Assert.All(counts, count => Assert.InRange(count, 500 - 105, 500 + 105));
    }

    [Fact]
    public void ShardsDivideTheFiles()
    {
        var files = Files(TfRecordCompression.None, 2, 2, 2, 2, 2);
        var shards = Enumerable.Range(0, 3).Select(i => All(files, new() { ShardCount = 3, ShardIndex = i })).ToArray();
        Assert.Equal(["00", "01", "30", "31"], shards[0]);
        Assert.Equal(All(files, new()), shards.SelectMany(s => s).Order());
    }

    [Fact]
    public void PositionsAreResumed()
    {
        var files = Files(TfRecordCompression.None, 20, 7, 13);
        var options = new TfRecordDatasetOptions { Cycle = 2, ShuffleBuffer = 10, Seed = 5 };
        var all = All(files, options);
        for (var position = 0; position <= all.Count; position++)
        {
            using var dataset = new TfRecordDataset(files, options);
            Assert.Equal(position, dataset.Skip(position));
            Assert.Equal(position, dataset.Position);
            Assert.Equal(all[position..], Rest(dataset));
        }
        using var end = new TfRecordDataset(files, options);
        Assert.Equal(40, end.Skip(100));
    }

    [Theory]
    [InlineData(TfRecordCompression.None)]
    [InlineData(TfRecordCompression.Gzip)]
    public void DamageShowsAtItsPlace(TfRecordCompression compression)
    {
        var bytes = TfRecords.Write(TfRecords.Sample(30));
        bytes[^1] ^= 1;
        var path = _folder.Write("damaged", compression == TfRecordCompression.None ? bytes : TfRecords.Gzip(bytes));
        var reader = new TfRecordReaderOptions { Compression = compression };
        using var dataset = new TfRecordDataset([path], new() { Reader = reader });
        for (var i = 0; i < 29; i++) Assert.True(dataset.Read());
        Assert.Throws<TfRecordException>(() => dataset.Read());
        using var lenient = new TfRecordDataset([path], new() { Reader = reader with { SkipDamaged = true } });
        Assert.Equal(29, lenient.Skip(100));
        Assert.Equal(16 + TfRecords.Sample(30)[29].Length, lenient.SkippedBytes);
    }

    [Fact]
    public void StoppingEarlyStopsTheThreads()
    {
        var large = _folder.Write("large", TfRecords.Write(new TfRecordWriterOptions { Compression = TfRecordCompression.Zlib }, Enumerable.Repeat(new byte[1 << 20], 20)));
        for (var i = 0; i < 5; i++)
        {
            using var dataset = new TfRecordDataset([large, large], new() { Cycle = 2, Reader = new() { Compression = TfRecordCompression.Zlib } });
            for (var read = 0; read < i; read++) Assert.True(dataset.Read());
        }
    }

    [Fact]
    public void MissingFilesAndBadOptionsAreRefused()
    {
        using var dataset = new TfRecordDataset([_folder.Of("missing")]);
        Assert.Throws<FileNotFoundException>(() => dataset.Read());
        Assert.Throws<ArgumentOutOfRangeException>(() => new TfRecordDataset([], new() { Cycle = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TfRecordDataset([], new() { ShardIndex = 1 }));
    }

    [Fact]
    public void IndexesAreBuiltSavedAndLoaded()
    {
        var records = TfRecords.Sample(20);
        using var file = new TfRecordFile(_folder.Write("a", TfRecords.Write(records)));
        var path = TfRecordIndex.PathOf(file.Name);
        TfRecordIndex.Build(file).Save(path);
        Assert.Equal($"0 {16 + records[0].Length}", File.ReadLines(path).First());
        var index = TfRecordIndex.Load(path);
        Assert.Equal(20, index.Count);
        for (var i = 19; i >= 0; i--) Assert.Equal(records[i], file.ReadAt(index[i]).ToArray());
        Assert.Throws<TfRecordException>(() => file.ReadAt(1));
        Assert.Throws<TfRecordException>(() => file.ReadAt(file.Length));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadAt(file.Length + 1));
        foreach (var line in (string[])["x 16", "0 15", "-1 16", "0", "", "0 16\n8 16", "9223372036854775807 16"])
        {
            File.WriteAllText(path, line + "\n");
            Assert.Contains("is not the place of a record", Assert.Throws<InvalidDataException>(() => TfRecordIndex.Load(path)).Message);
        }
    }

    // Record r of file f is the text "fr".
    private List<string> Files(TfRecordCompression compression, params int[] counts) =>
    [
        .. counts.Select((count, f) => _folder.Write($"{compression}-{string.Join('-', counts)}-{f}", TfRecords.Write(
            new TfRecordWriterOptions { Compression = compression }, Enumerable.Range(0, count).Select(r => (byte[])[(byte)('0' + f), (byte)('0' + r)])))),
    ];

    private static List<string> All(List<string> files, TfRecordDatasetOptions options)
    {
        using var dataset = new TfRecordDataset(files, options);
        return Rest(dataset);
    }

    private static List<string> Rest(TfRecordDataset dataset)
    {
        var records = new List<string>();
        while (dataset.Read()) records.Add(new string([(char)dataset.Current.Span[0], (char)dataset.Current.Span[1]]));
        return records;
    }
}
