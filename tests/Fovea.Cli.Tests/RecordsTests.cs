using System.Text.Json;
using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class RecordsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-records-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void InfoDescribesFilesAndFeatures()
    {
        var result = CliResult.Of(["records", "info", Write("a"), Write("b", TfRecordCompression.Gzip)]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("a: 12 records, each ", result.Lines[0]);
        Assert.Contains(", Gzip", result.Lines[1]);
        var row = result.Lines.Single(line => line.Contains("label")).Split('|', StringSplitOptions.TrimEntries);
        Assert.Equal(["", "label", "Int64", "24", "1", "", "FixedLen []", ""], row);
        Assert.Contains("| text ", result.Out);
        Assert.Contains("0 to 2", result.Out);
    }

    [Fact]
    public void InfoSaysThatRecordsAreNoExamples()
    {
        var path = Path.Combine(_folder, "raw");
        using (var writer = TfRecordWriter.Create(path)) writer.Write("not an Example"u8);
        var result = CliResult.Of(["records", "info", path]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("raw: 1 records, each 14 to 14 bytes", result.Out);
        Assert.Contains("no Examples", result.Out);
    }

    [Fact]
    public void HeadPrintsRecords()
    {
        var path = Write("a");
        var result = CliResult.Of(["records", "head", path, "--count", "3"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(3, result.Lines.Count(line => line.Contains("record ")));
        Assert.Contains("  label: Int64 [2]", result.Lines);
        Assert.Contains("  text: Bytes [\"t0\", \"t1\"]", result.Lines);
        Assert.Contains("  raw: Bytes [<9 bytes ff00000000000000...>]", result.Lines);
        Assert.Contains("  many: Float [0, 1, 2, 3, 4, 5, 6, 7, and 2 more]", result.Lines);
        var json = CliResult.Of(["records", "head", path, "--count", "1", "--json"]);
        var feature = JsonDocument.Parse(json.Lines.Single()).RootElement.GetProperty("features").GetProperty("feature");
        Assert.Equal("0", feature.GetProperty("label").GetProperty("int64List").GetProperty("value")[0].GetString());
        Assert.Equal(9, feature.GetProperty("raw").GetProperty("bytesList").GetProperty("value")[0].GetBytesFromBase64().Length);
        Assert.Empty(CliResult.Of(["records", "head", path, "--count", "0"]).Out);
    }

    [Fact]
    public void VerifyReportsAllDamage()
    {
        var good = Write("good");
        Assert.Contains("good: 12 records, all sound", CliResult.Of(["records", "verify", good]).Out);
        var bytes = File.ReadAllBytes(good);
        bytes[20] ^= 1;
        bytes[^1] ^= 1;
        var bad = Path.Combine(_folder, "bad");
        File.WriteAllBytes(bad, bytes);
        var result = CliResult.Of(["records", "verify", bad, good, Path.Combine(_folder, "missing")]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("bad: record at byte 0: corrupted: the checksum of the data does not match", result.Error);
        Assert.Contains("bad: 10 records sound, ", result.Out);
        Assert.Contains("in 2 places", result.Out);
        Assert.Contains("good: 12 records, all sound", result.Out);
        Assert.Contains("missing", result.Error);
        File.WriteAllBytes(bad, bytes[..30]);
        Assert.Contains("truncated", CliResult.Of(["records", "verify", bad]).Error);
    }

    [Fact]
    public void IndexIsThatOfTheFile()
    {
        var path = Write("a");
        Assert.Contains("a.idx: 12 records", CliResult.Of(["records", "index", path]).Out);
        var index = TfRecordIndex.Load(path + ".idx");
        using var file = new TfRecordFile(path);
        for (var i = 0; i < index.Count; i++)
            Assert.Equal(Example(i), file.ReadAt(index[i]).ToArray());
        Assert.Equal(1, CliResult.Of(["records", "index", Write("z", TfRecordCompression.Zlib)]).ExitCode);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zlib")]
    [InlineData("none")]
    public void ConvertJoinsCompressesAndShards(string compression)
    {
        var output = Path.Combine(_folder, "out");
        var result = CliResult.Of(["records", "convert", Write("a"), Write("b", TfRecordCompression.Zlib), output, "--compression", compression, "--shards", "5"]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("out: 24 records in 5 files", result.Out);
        for (var shard = 0; shard < 5; shard++)
        {
            using var reader = TfRecordReader.Open($"{output}-0000{shard}-of-00005", new TfRecordReaderOptions { Compression = TfRecordCompression.Detect });
            Assert.Equal(compression, reader.Compression.ToString(), ignoreCase: true);
            for (var i = shard; i < 24; i += 5)
            {
                Assert.True(reader.Read());
                Assert.Equal(Example(i % 12), reader.Current.ToArray());
            }
            Assert.False(reader.Read());
        }
        Assert.Empty(Directory.GetFiles(_folder, "*.unfinished"));
    }

    [Fact]
    public void ConvertWritesJsonLines()
    {
        var output = Path.Combine(_folder, "out.jsonl");
        Assert.Equal(0, CliResult.Of(["records", "convert", Write("a"), output]).ExitCode);
        var lines = File.ReadAllLines(output);
        Assert.Equal(12, lines.Length);
        Assert.Equal("11", JsonDocument.Parse(lines[11]).RootElement.GetProperty("features").GetProperty("feature").GetProperty("label").GetProperty("int64List").GetProperty("value")[0].GetString());
    }

    [Fact]
    public void ConvertLeavesNothingHalfDone()
    {
        var path = Write("a");
        var output = Path.Combine(_folder, "out");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1]);
        var result = CliResult.Of(["records", "convert", path, output]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("truncated", result.Error);
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.Contains("out: 11 records", CliResult.Of(["records", "convert", path, output, "--skip-damaged"]).Out);
        var same = CliResult.Of(["records", "convert", path, path]);
        Assert.Equal(2, same.ExitCode);
        Assert.Contains("would overwrite what is read", same.Error);
        Assert.Equal(2, CliResult.Of(["records", "convert", path, "o.jsonl", "--shards", "2"]).ExitCode);
    }

    private string Write(string name, TfRecordCompression compression = TfRecordCompression.None)
    {
        var path = Path.Combine(_folder, name);
        using var writer = TfRecordWriter.Create(path, new TfRecordWriterOptions { Compression = compression });
        for (var i = 0; i < 12; i++) writer.Write(Example(i));
        return path;
    }

    private static byte[] Example(int i) => new ExampleWriter()
        .Add("label", i)
        .Add("text", [.. Enumerable.Range(0, i % 3).Select(t => $"t{t}")])
        .Add("many", [.. Enumerable.Range(0, 10).Select(t => (float)t)])
        .AddBytes("raw", [0xff, 0, 0, 0, 0, 0, 0, 0, 0])
        .ToArray();
}
