using Xunit;

namespace Fovea.Data.Tests;

public class ColumnTests
{
    [Fact]
    public void MissingValuesOfDenseFeaturesAreDropped()
    {
        string[][] rows = [["", "a"], ["b", ""], ["", ""]];
        var column = new HashBucketColumn("x", 1000);
        var dense = Ids(column, FeatureInput.Of(rows, isDense: true));
        Assert.Equal([0, 1, 2, 2], dense.RowSplits.ToArray());
        Assert.Equal([SlowHash.Bucket("a", 1000), SlowHash.Bucket("b", 1000)], dense.Ids.ToArray());
        var sparse = Ids(column, FeatureInput.Of(rows));
        Assert.Equal([0, 2, 4, 6], sparse.RowSplits.ToArray());
        Assert.Equal(SlowHash.Bucket("", 1000), sparse.Ids[0]);
        var integers = Ids(new IdentityColumn("x", 5), FeatureInput.Of(new long[][] { [-1, 3], [0, -1] }, isDense: true));
        Assert.Equal([3, 0], integers.Ids.ToArray());
        Assert.Equal([0, 1, 2], integers.RowSplits.ToArray());
    }

    [Fact]
    public void BucketsBeginAtTheirBoundary()
    {
        var column = new BucketizedColumn(new NumericColumn("x"), [-1, 0, 2.5f]);
        Assert.Equal("x_bucketized", column.Name);
        float[] values = [float.NegativeInfinity, -1.0000001f, -1, -0f, 0, 2.4999998f, 2.5f, float.PositiveInfinity, float.NaN];
        var ids = Ids(column, FeatureInput.Of([.. values.Select(v => new[] { v })], isDense: true));
        Assert.Equal([0, 0, 1, 2, 2, 2, 3, 3, 3], ids.Ids.ToArray());
        foreach (var wrong in (float[][])[[], [1, 1], [2, 1], [float.NaN], [0, float.NaN]])
            Assert.Throws<FeatureException>(() => new BucketizedColumn(new NumericColumn("x"), wrong));
        Assert.Contains("one dimension", Assert.Throws<FeatureException>(() => new BucketizedColumn(new NumericColumn("x", [2, 2]), [0])).Message);
    }

    [Fact]
    public void NumbersAreNormalisedBeforeTheyBecomeFloats()
    {
        // 2^40 + 1 is no float, but the difference is.
        var column = new NumericColumn("x", normalizer: v => v - (1L << 40), kind: FeatureKind.Int64);
        Assert.Equal(1, Single(column, FeatureInput.Of(new long[][] { [(1L << 40) + 1] }, isDense: true)));
        // float32 arithmetic: 0.1f - 0.3f, rounded, then divided.
        var standardized = new NumericColumn("x", normalizer: new Standardizer(0.3f, 0.7f).Apply);
        Assert.Equal((0.1f - 0.3f) / 0.7f, Single(standardized, FeatureInput.Of([[0.1f]], isDense: true)));
        Assert.Contains("dense", Assert.Throws<FeatureException>(() => Single(column, FeatureInput.Of(new long[][] { [1] }))).Message);
        Assert.Contains("row 0 has 2 values", Assert.Throws<FeatureException>(() => Single(column, FeatureInput.Of(new long[][] { [1, 2] }, isDense: true))).Message);
        Assert.Contains("Int64", Assert.Throws<FeatureException>(() => Single(column, FeatureInput.Of([[1f]], isDense: true))).Message);
        foreach (var shape in (int[][])[[0], [-1], [1 << 20, 1 << 20]]) Assert.Throws<FeatureException>(() => new NumericColumn("x", shape));
    }

    [Fact]
    public void NormaliserRunsOnceForAllReaders()
    {
        var calls = 0;
        var source = new NumericColumn("x", normalizer: v => v + ++calls);
        var bucketized = new BucketizedColumn(source, [1.5f]);
        var cache = new FeatureCache().Reset(new FeatureBatch(1).Add("x", FeatureInput.Of([[1f]], isDense: true)));
        cache.Ids(bucketized);
        cache.Ids(new CrossedColumn([bucketized, bucketized], 10));
        Assert.Equal([2f], cache.Values(source).ToArray());
        Assert.Equal(1, calls);
        cache.Reset(cache.Batch);
        Assert.Equal([3f], cache.Values(source).ToArray());
    }

    [Fact]
    public void VocabulariesSendTheRestToOovBuckets()
    {
        var words = new VocabularyColumn("x", ["a", "b", "ü"], oovBuckets: 7);
        Assert.Equal(10, words.BucketCount);
        Assert.Equal([2, 0, 3 + SlowHash.Bucket("c", 7), 3 + SlowHash.Bucket("", 7)], Ids(words, FeatureInput.Of([["ü", "a", "c", ""]])).Ids.ToArray());
        var integers = new VocabularyColumn("x", [30L, -5], oovBuckets: 100);
        Assert.Equal([1, 0, 2 + SlowHash.Bucket(31L, 100)], Ids(integers, FeatureInput.Of(new long[][] { [-5, 30, 31] })).Ids.ToArray());
        Assert.Contains("word 3 of the vocabulary is word 1", Assert.Throws<FeatureException>(() => new VocabularyColumn("x", ["a", "b", "a"])).Message);
        Assert.Contains("5 occurs twice", Assert.Throws<FeatureException>(() => new VocabularyColumn("x", [5L, 5])).Message);
        Assert.Contains("exclude", Assert.Throws<FeatureException>(() => new VocabularyColumn("x", ["a"], 1, 0)).Message);
        Assert.Contains("empty", Assert.Throws<FeatureException>(() => new VocabularyColumn("x", Array.Empty<string>())).Message);
    }

    [Fact]
    public void LargeVocabulariesFindEveryWord()
    {
        var words = Enumerable.Range(0, 10007).Select(i => $"word {i * i}").ToArray();
        var column = new VocabularyColumn("x", words);
        Assert.Equal(Enumerable.Range(0, words.Length).Select(i => (long)i), Ids(column, FeatureInput.Of([words])).Ids.ToArray());
        Assert.All(Ids(column, FeatureInput.Of([[.. words.Select(w => w + "x")]])).Ids.ToArray(), id => Assert.Equal(-1, id));
    }

    [Fact]
    public void VocabularyFilesCountLinesFromZero()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "a\r\nb\n\nc");
            var column = VocabularyColumn.FromFile("x", path);
            Assert.Equal([0, 1, 2, 3, -1], Ids(column, FeatureInput.Of([["a", "b", "", "c", "a\r"]])).Ids.ToArray());
            Assert.Equal(2, VocabularyColumn.FromFile("x", path, size: 2).VocabularySize);
            Assert.Contains("4 lines", Assert.Throws<FeatureException>(() => VocabularyColumn.FromFile("x", path, size: 5)).Message);
            Assert.Contains("line 1 of", Assert.Throws<FeatureException>(() => VocabularyColumn.FromFile("x", path, kind: FeatureKind.Int64)).Message);
            File.WriteAllText(path, "10\n-3\n");
            Assert.Equal([1, 0], Ids(VocabularyColumn.FromFile("x", path, kind: FeatureKind.Int64), FeatureInput.Of(new long[][] { [-3, 10] })).Ids.ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void IdentitiesOutsideAreDefaultOrError()
    {
        var rows = FeatureInput.Of(new long[][] { [0, 4, 5, -1, long.MinValue] });
        Assert.Equal([0, 4, 2, 2, 2], Ids(new IdentityColumn("x", 5, 2), rows).Ids.ToArray());
        Assert.Contains("5 is not an id below 5", Assert.Throws<FeatureException>(() => Ids(new IdentityColumn("x", 5), rows)).Message);
        Assert.Throws<FeatureException>(() => new IdentityColumn("x", 5, 5));
        Assert.Throws<FeatureException>(() => new IdentityColumn("x", 0));
    }

    [Fact]
    public void WeightsMustMatchTheirIds()
    {
        var column = new WeightedCategoricalColumn(new IdentityColumn("x", 5), "w");
        Assert.Equal("x_weighted_by_w", column.Name);
        var ids = FeatureInput.Of(new long[][] { [1, 2], [3] });
        var result = Weighted(FeatureInput.Of([[0.5f, 2], [-1f]]));
        Assert.Equal([0.5f, 2, -1], result.Weights.ToArray());
        Assert.Equal([1, 2, 3], result.Ids.ToArray());
        // Dense weights of 0 stand for missing ones.
        Assert.Equal([1f, 2, 3], Weighted(FeatureInput.Of([[1f, 0, 2], [0f, 3, 0]], isDense: true)).Weights.ToArray());
        Assert.Contains("row 0 has 2 ids and 1 weights", Assert.Throws<FeatureException>(() => Weighted(FeatureInput.Of([[1f], [1f, 1]]))).Message);
        Assert.Contains("row 1 has 1 ids and 2 weights", Assert.Throws<FeatureException>(() => Weighted(FeatureInput.Of([[1f, 1], [1f, 1]]))).Message);

        IdBatch Weighted(FeatureInput weights) => new FeatureCache().Reset(new FeatureBatch(2).Add("x", ids).Add("w", weights)).Ids(column);
    }

    [Fact]
    public void ParseSpecsAreJoined()
    {
        var price = new NumericColumn("price", [2], 1.5);
        var x = new IdentityColumn("x", 5);
        var spec = new ParseSpec([new BucketizedColumn(price, [0]), price, new EmbeddingColumn(new WeightedCategoricalColumn(x, "w"), 3), new IndicatorColumn(x)]);
        Assert.Equal(["price", "w", "x"], spec.Features.Select(f => f.Name));
        var read = Assert.IsType<FixedLenFeature>(spec.Features.First());
        Assert.Equal([2], read.Shape);
        Assert.Equal([1.5f, 1.5f], read.Default!.Floats.ToArray());
        Assert.Equal([new VarLenFeature("w", FeatureKind.Float), new VarLenFeature("x", FeatureKind.Int64)], spec.Features.Skip(1));
        Assert.Empty(spec.Sequences);
        Assert.Equal([new VarLenFeature("x", FeatureKind.Int64)], new ParseSpec([new IndicatorColumn(new SequenceCategoricalColumn(x))]).Sequences);
        Assert.Contains("both as", Assert.Throws<FeatureException>(() => new ParseSpec([price, new NumericColumn("price", [2], 2)])).Message);
        Assert.Throws<FeatureException>(() => new ParseSpec([new WeightedCategoricalColumn(x, "x")]));
    }

    [Fact]
    public void RawValuesAreChecked()
    {
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new long[3], new long[] { 0, 2 }));
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new long[3], new long[] { 0, 4, 3 }));
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new long[3], new long[] { 1, 3 }));
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new long[3], Array.Empty<long>()));
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new byte[3], new long[] { 0, 4 }, new long[] { 0, 1 }));
        Assert.Throws<ArgumentException>(() => FeatureInput.Of(new long[3], new long[] { 0, 1 }, stepSplits: new long[] { 0, 1, 3 }));
        var batch = new FeatureBatch(1).Add("x", FeatureInput.Of(new long[][] { [1] }));
        Assert.Throws<ArgumentException>(() => batch.Add("x", FeatureInput.Of(new long[][] { [1] })));
        Assert.Throws<ArgumentException>(() => batch.Add("y", FeatureInput.Of(new long[][] { [1], [2] })));
        var cache = new FeatureCache().Reset(batch);
        Assert.Contains("no such feature", Assert.Throws<FeatureException>(() => cache.Ids(new HashBucketColumn("y", 5))).Message);
        Assert.Contains("Bytes, the batch has Int64", Assert.Throws<FeatureException>(() => cache.Ids(new HashBucketColumn("x", 5))).Message);
        Assert.Throws<InvalidOperationException>(() => new FeatureCache().Ids(new HashBucketColumn("x", 5)));
    }

    private static IdBatch Ids(ICategoricalColumn column, FeatureInput values) =>
        new FeatureCache().Reset(new FeatureBatch(values.Rows).Add("x", values)).Ids(column);

    private static float Single(NumericColumn column, FeatureInput values) =>
        new FeatureCache().Reset(new FeatureBatch(values.Rows).Add("x", values)).Values(column)[0];
}
