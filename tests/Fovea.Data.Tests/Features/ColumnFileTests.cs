using System.Text;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class ColumnFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-columns-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EveryTypeIsRead()
    {
        File.WriteAllText(Path.Combine(_folder, "words.txt"), "a\nb\n");
        var path = Path.Combine(_folder, "columns.json");
        File.WriteAllText(path, """
            {
              // Comments and trailing commas are fine.
              "columns": [
                {"type": "numeric", "key": "price", "shape": [2], "default": 11, "mean": 3, "deviation": 2},
                {"type": "numeric", "key": "count", "dtype": "int64"},
                {"source": {"type": "numeric", "key": "age"}, "boundaries": [18, 30.5], "type": "bucketized"},
                {"type": "vocabulary", "key": "color", "values": ["red", "green"], "oov_buckets": 3},
                {"type": "vocabulary", "key": "size", "values": [38, 40], "default": 1},
                {"type": "vocabulary_file", "key": "word", "file": "words.txt", "size": 2},
                {"type": "identity", "key": "day", "buckets": 7, "default": 0},
                {"type": "hash_bucket", "key": "user", "buckets": 100, "dtype": "int64"},
                {"type": "crossed", "keys": ["city", {"type": "identity", "key": "day", "buckets": 7}], "buckets": 50, "hash_key": 18446744073709551615},
                {"type": "weighted", "categorical": {"type": "hash_bucket", "key": "tag", "buckets": 9}, "weight_key": "w"},
                {"type": "indicator", "categorical": {"type": "hash_bucket", "key": "tag", "buckets": 9}},
                {"type": "embedding", "categorical": {"type": "hash_bucket", "key": "tag", "buckets": 9}, "dimension": 4, "combiner": "sqrt_n", "max_norm": 2, "trainable": false},
                {"type": "shared_embedding", "categoricals": [{"type": "identity", "key": "p", "buckets": 3}, {"type": "identity", "key": "q", "buckets": 3}], "dimension": 2},
                {"type": "sequence_categorical", "categorical": {"type": "identity", "key": "p", "buckets": 3}},
                {"type": "sequence_numeric", "key": "level", "default": 0.5},
              ]
            }
            """);
        var columns = ColumnFile.Load(path);
        Assert.Equal(["price", "count", "age_bucketized", "color", "size", "word", "day", "user", "city_X_day", "tag_weighted_by_w", "tag_indicator",
            "tag_embedding", "p_shared_embedding", "q_shared_embedding", "p", "level"], columns.Select(c => c.Name));
        var price = Assert.IsType<NumericColumn>(columns[0]);
        Assert.Equal((2, 11.0, 4.0), (price.Width, price.DefaultValue, price.Normalizer!(11)));
        Assert.Equal(FeatureKind.Int64, Assert.IsType<NumericColumn>(columns[1]).Kind);
        Assert.Equal([18, 30.5f], Assert.IsType<BucketizedColumn>(columns[2]).Boundaries.ToArray());
        Assert.Equal(5, Assert.IsType<VocabularyColumn>(columns[3]).BucketCount);
        Assert.Equal((FeatureKind.Int64, 1L), (Assert.IsType<VocabularyColumn>(columns[4]).Kind, ((VocabularyColumn)columns[4]).DefaultId));
        Assert.Equal(0, Assert.IsType<IdentityColumn>(columns[6]).DefaultId);
        Assert.Equal(FeatureKind.Int64, Assert.IsType<HashBucketColumn>(columns[7]).Kind);
        Assert.Equal((50, ulong.MaxValue), (Assert.IsType<CrossedColumn>(columns[8]).BucketCount, ((CrossedColumn)columns[8]).HashKey));
        var embedding = Assert.IsType<EmbeddingColumn>(columns[11]);
        Assert.Equal((4, Combiner.SqrtN, 2f, false), (embedding.Dimension, embedding.Combiner, embedding.MaxNorm, embedding.Trainable));
        Assert.True(columns[14].IsSequence && columns[15].IsSequence);
    }

    [Theory]
    [InlineData("", "does not contain any JSON")]
    [InlineData("null", "null")]
    [InlineData("{}", "columns")]
    [InlineData("""{"columns": null}""", "columns")]
    [InlineData("""{"columns": [null]}""", "null")]
    [InlineData("""{"columns": [{"key": "x", "buckets": 5}]}""", "type")]
    [InlineData("""{"columns": [{"type": "nosuch"}]}""", "nosuch")]
    [InlineData("""{"columns": [{"type": "identity", "key": "x"}]}""", "buckets")]
    [InlineData("""{"columns": [{"type": "identity", "key": null, "buckets": 5}]}""", "key")]
    [InlineData("""{"columns": [{"type": "identity", "key": "", "buckets": 5}]}""", "")]
    [InlineData("""{"columns": [{"type": "identity", "key": "x", "buckets": 5, "defualt": 1}]}""", "defualt")]
    [InlineData("""{"columns": [{"type": "identity", "key": "x", "key": "y", "buckets": 5}]}""", "key")]
    [InlineData("""{"columns": [{"type": "identity", "key": "x", "buckets": 0}]}""", "x: a column needs")]
    [InlineData("""{"columns": [{"type": "identity", "key": "x", "buckets": 1e30}]}""", "buckets")]
    [InlineData("""{"columns": [{"type": "hash_bucket", "key": "x", "buckets": 5, "dtype": "float32"}]}""", "x: ")]
    [InlineData("""{"columns": [{"type": "hash_bucket", "key": "x", "buckets": 5, "dtype": 2}]}""", "dtype")]
    [InlineData("""{"columns": [{"type": "numeric", "key": "x", "deviation": 0}]}""", "deviation")]
    [InlineData("""{"columns": [{"type": "numeric", "key": "x", "shape": [100000, 100000]}]}""", "shape")]
    [InlineData("""{"columns": [{"type": "vocabulary", "key": "x", "values": ["a", 1]}]}""", "all be")]
    [InlineData("""{"columns": [{"type": "vocabulary", "key": "x", "values": 5}]}""", "a list")]
    [InlineData("""{"columns": [{"type": "vocabulary_file", "key": "x", "file": "words.txt"}]}""", "beside")]
    [InlineData("""{"columns": [{"type": "crossed", "keys": ["a", null], "buckets": 5}]}""", "null")]
    [InlineData("""{"columns": [{"type": "crossed", "keys": ["a", 5], "buckets": 5}]}""", "")]
    [InlineData("""{"columns": [{"type": "indicator", "categorical": {"type": "numeric", "key": "x"}}]}""", "Numeric")]
    [InlineData("""{"columns": [{"type": "indicator", "categorical": null}]}""", "categorical")]
    [InlineData("""{"columns": [{"type": "bucketized", "source": {"type": "numeric", "key": "x"}, "boundaries": [2, 1]}]}""", "above")]
    [InlineData("""{"columns": [{"type": "shared_embedding", "categoricals": [], "dimension": 2}]}""", "no column")]
    [InlineData("""{"columns": [{"type": "embedding", "categorical": {"type": "identity", "key": "x", "buckets": 5}, "dimension": 4, "combiner": "max"}]}""", "combiner")]
    public void WrongFilesAreRefused(string json, string message)
    {
        var e = Assert.Throws<FeatureException>(() => ColumnFile.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void NestingHasABound()
    {
        var json = new StringBuilder("""{"columns": [""");
        for (var i = 0; i < 5000; i++) json.Append("""{"type": "indicator", "categorical": """);
        Assert.Throws<FeatureException>(() => ColumnFile.Parse(Encoding.UTF8.GetBytes(json.ToString())));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../words.txt")]
    [InlineData("a/../../words.txt")]
    [InlineData("missing.txt")]
    public void VocabularyFilesStayBesideTheirColumns(string file)
    {
        var path = Path.Combine(_folder, "columns.json");
        File.WriteAllText(path, $$"""{"columns": [{"type": "vocabulary_file", "key": "x", "file": "{{file}}"}]}""");
        Assert.Contains(file, Assert.Throws<FeatureException>(() => ColumnFile.Load(path)).Message);
    }

    // Every prefix and every single changed byte of a good file gives columns or a FeatureException, nothing else.
    [Fact]
    public void DamagedFilesGiveOneKindOfError()
    {
        var good = """{"columns": [{"type": "crossed", "keys": ["a", {"type": "identity", "key": "d", "buckets": 7}], "buckets": 50}, {"type": "numeric", "key": "n", "shape": [2]}]}"""u8.ToArray();
        var refused = 0;
        for (var i = 0; i < good.Length; i++)
        {
            refused += Try(good[..i]);
            foreach (byte value in (byte[])[0, (byte)'"', (byte)'9', (byte)'{', 0x80, 0xFF])
            {
                var changed = good.ToArray();
                changed[i] = value;
                refused += Try(changed);
            }
        }
        Assert.InRange(refused, good.Length * 4, good.Length * 7);

        static int Try(byte[] json)
        {
            try
            {
                ColumnFile.Parse(json);
                return 0;
            }
            catch (FeatureException)
            {
                return 1;
            }
        }
    }
}
