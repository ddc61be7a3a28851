using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests;

public class CrossTests
{
    [Fact]
    public void KnownIds()
    {
        string[][] rows = [["batch1-FC1-F1"], ["batch1-FC2-F1"], ["batch1-FC3-F1"]];
        Assert.Equal([83], Cross(100, null, rows));
        Assert.Equal([31], Cross(100, SparseCross.DefaultKey + 1, rows));
        Assert.Equal([6], Cross(10, null, ["a"], ["b"]));
        Assert.Equal([0], Cross(10, null, ["b"], ["a"]));
        Assert.Equal([1971693436396284976], SparseCross.Hashed([.. rows.Select(r => r.Select(Fingerprint).ToArray())], 0));
        Assert.Equal([357], SparseCross.Hashed([[1], [2]], 1000));
    }

    [Fact]
    public void NestedCrossesHashTheirLeaves()
    {
        var inner = new CrossedColumn(["d1", "d2"], 10);
        var outer = new CrossedColumn(["b", inner, "a"], 1000, 7);
        Assert.Equal("a_X_b_X_d1_X_d2", outer.Name);
        Assert.Equal(["b", "d1", "d2", "a"], outer.Keys.Select(k => k.Key));
        var batch = new FeatureBatch(2).Add("a", FeatureInput.Of([["x", "y"], ["x"]])).Add("b", FeatureInput.Of([["1"], ["2"]]))
            .Add("d1", FeatureInput.Of([["p", "q"], []])).Add("d2", FeatureInput.Of(new long[][] { [-1], [3] }));
        var ids = new FeatureCache().Reset(batch).Ids(outer);
        Assert.Equal([0, 4, 4], ids.RowSplits.ToArray());
        Assert.Equal(SlowHash.Cross([["1"], ["p", "q"], [-1L], ["x", "y"]], 1000, 7), ids.Ids.ToArray());
        var spec = new ParseSpec([outer]);
        Assert.Equal(((string[])["a", "b", "d1", "d2"]).Select(key => new VarLenFeature(key, FeatureKind.Bytes)), spec.Features);
    }

    // Raw features are crossed as they are: '' and -1 of dense ones are values like others.
    [Fact]
    public void RawKeysKeepMissingValues()
    {
        var batch = new FeatureBatch(1).Add("a", FeatureInput.Of([["", "x"]], isDense: true)).Add("b", FeatureInput.Of(new long[][] { [-1] }, isDense: true));
        var ids = new FeatureCache().Reset(batch).Ids(new CrossedColumn(["a", "b"], 1 << 20));
        Assert.Equal(SlowHash.Cross([["", "x"], [-1L]], 1 << 20, 0xDECAFCAFFE), ids.Ids.ToArray());
    }

    [Fact]
    public void WrongKeysAreRefused()
    {
        var hash = new HashBucketColumn("h", 5);
        Assert.Contains("cross the raw feature 'h'", Assert.Throws<FeatureException>(() => new CrossedColumn(["a", hash], 5)).Message);
        Assert.Contains("two keys", Assert.Throws<FeatureException>(() => new CrossedColumn(["a"], 5)).Message);
        Assert.Contains("weights", Assert.Throws<FeatureException>(() => new CrossedColumn(["a", new WeightedCategoricalColumn(hash, "w")], 5)).Message);
        Assert.Contains("sequence", Assert.Throws<FeatureException>(() => new CrossedColumn(["a", new SequenceCategoricalColumn(hash)], 5)).Message);
        Assert.Contains("categorical", Assert.Throws<FeatureException>(() => new CrossedColumn(["a", new NumericColumn("n")], 5)).Message);
        var floats = new FeatureBatch(1).Add("a", FeatureInput.Of([["x"]])).Add("b", FeatureInput.Of([[1f]]));
        Assert.Contains("floats", Assert.Throws<FeatureException>(() => new FeatureCache().Reset(floats).Ids(new CrossedColumn(["a", "b"], 5))).Message);
    }

    [Fact]
    public void CombinationsBeyondMemoryAreRefused()
    {
        var many = FeatureInput.Of(new long[2000], new long[] { 0, 2000 });
        var batch = new FeatureBatch(1).Add("a", many).Add("b", many).Add("c", many);
        var e = Assert.Throws<FeatureException>(() => new FeatureCache().Reset(batch).Ids(new CrossedColumn(["a", "b", "c"], 5)));
        Assert.Contains("8E+09 combinations", e.Message);
    }

    [Fact]
    public void PublishedCrosses()
    {
        foreach (var vector in JsonDocument.Parse(SharedData.Vectors("tf_cross_hashed.json")).RootElement.EnumerateArray())
        {
            var columns = vector.GetProperty("columns").EnumerateArray().Select(c => c.EnumerateArray().ToArray()).ToArray();
            var expected = vector.GetProperty("expected").EnumerateArray().Select(e => e.GetString()!).ToArray();
            if (vector.TryGetProperty("separator", out var separator))
            {
                Assert.Equal(expected, SparseCross.Joined([.. columns.Select(c => c.Select(v => v.ToString()).ToArray())], separator.GetString()!));
                continue;
            }
            var key = ulong.Parse(vector.GetProperty("hash_key").GetString()!, CultureInfo.InvariantCulture);
            var buckets = vector.GetProperty("num_buckets").GetInt64();
            var ids = SparseCross.Hashed([.. columns.Select(c => c.Select(Value).ToArray())], buckets, key);
            Assert.Equal(expected, ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
            var native = new long[ids.Length];
            Kernels.CrossHashed([.. columns.Select(c => new CrossColumn(c.Select(v => (long)Value(v)).ToArray(), new long[] { 0, c.Length }))], key, buckets,
                [0, ids.Length], native);
            Assert.Equal(ids, native);
        }
    }

    // Texts with every character of the alphabet that tells UTF-16 order from the order of code points.
    [Fact]
    public void NamesSortByCodePoint()
    {
        var column = new CrossedColumn(["é", "a", "Z", "\uFF5E", "\U0001F600"], 5);
        Assert.Equal("Z_X_a_X_é_X_\uFF5E_X_\U0001F600", column.Name);
    }

    private static ulong Value(JsonElement value) => value.ValueKind == JsonValueKind.Number ? (ulong)value.GetInt64() : Fingerprint(value.GetString()!);

    private static ulong Fingerprint(string text) => FarmHash.Fingerprint64(Encoding.UTF8.GetBytes(text));

    private static long[] Cross(long buckets, ulong? key, params string[][] columns)
    {
        var batch = new FeatureBatch(1);
        for (var c = 0; c < columns.Length; c++) batch.Add($"c{c}", FeatureInput.Of([columns[c]]));
        var column = new CrossedColumn([.. columns.Select((_, c) => new CrossKey($"c{c}"))], buckets, key);
        var ids = new FeatureCache().Reset(batch).Ids(column).Ids.ToArray();
        Assert.Equal(SlowHash.Cross([.. columns.Select(c => c.ToArray<object>())], buckets, new BigInteger(key ?? SparseCross.DefaultKey)), ids);
        return ids;
    }
}
