using Xunit;

namespace Fovea.Data.Tests;

public sealed class LayerTests : IDisposable
{
    private static readonly IdentityColumn X = new("x", 4);

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();
    private readonly FeatureCache _cache = new();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void ColumnsAreSortedByCodePoint()
    {
        string[] keys = ["é", "a", "Z", "\U0001F600", "\uFF5E"];
        var batch = new FeatureBatch(2);
        for (var i = 0; i < keys.Length; i++) batch.Add(keys[i], FeatureInput.Of([[10f * i, 10f * i + 1], [10f * i + 2, 10f * i + 3]], isDense: true));
        using var layer = new DenseFeatures(_stream, keys.Select(key => new NumericColumn(key, [2])));
        Assert.Equal(["Z", "a", "é", "\uFF5E", "\U0001F600"], layer.Columns.Select(c => c.Column.Name));
        Assert.Equal([0, 2, 4, 6, 8], layer.Columns.Select(c => c.Start));
        using var y = layer.Forward(_stream, _cache.Reset(batch));
        Assert.Equal([2, 10], y.Shape.ToArray());
        Assert.Equal([20f, 21, 10, 11, 0, 1, 40, 41, 30, 31, 22, 23, 12, 13, 2, 3, 42, 43, 32, 33], y.ToArray<float>(_stream));
    }

    [Fact]
    public void WrongColumnsAreRefused()
    {
        Assert.Contains("two columns", Refused(new NumericColumn("a"), new NumericColumn("a")));
        Assert.Contains("indicator", Refused(X));
        Assert.Contains("sequence", Refused(new IndicatorColumn(new SequenceCategoricalColumn(X))));
        Assert.Contains("no column", Refused());
        Assert.Contains("DenseFeatures", Assert.Throws<FeatureException>(() => new SequenceFeatures(_stream, [new IndicatorColumn(X)])).Message);
        Assert.Contains("4 buckets", Assert.Throws<FeatureException>(() => EmbeddingColumn.Shared([new IdentityColumn("y", 5), X], 2)).Message);
    }

    [Theory]
    [InlineData(Combiner.Sum)]
    [InlineData(Combiner.Mean)]
    [InlineData(Combiner.SqrtN)]
    public void EmbeddingsAreCombined(Combiner combiner)
    {
        float[][] table = [[1, 2], [3, 5], [7, 11], [-13, 17]];
        long[][] ids = [[2, 2, 0], [], [3], [1, 0], [0, -1], [2, 1]];
        // Row 4 has an id that is none, row 5 a weight that mean and sqrtn drop but sum takes.
        float[][] weights = [[1, 0.5f, 2], [], [4], [0, 0], [3, 9], [2, -1]];
        var batch = new FeatureBatch(6).Add("x", FeatureInput.Of(ids)).Add("w", FeatureInput.Of(weights));
        var vocabulary = new VocabularyColumn("x", [0L, 1, 2, 3]);
        using var layer = new DenseFeatures(_stream,
        [
            new EmbeddingColumn(vocabulary, 2, combiner), new EmbeddingColumn(new WeightedCategoricalColumn(vocabulary, "w"), 2, combiner),
        ]);
        foreach (var t in layer.Tables.Values) t.CopyFrom<float>(_stream, [.. table.SelectMany(row => row)]);
        using var y = layer.Forward(_stream, _cache.Reset(batch));
        var expected = ids.SelectMany((row, r) => Combined(row, null).Concat(Combined(row, weights[r])));
        Assert.Equal(expected, y.ToArray<float>(_stream));

        // The definition, in the order of the definition: sums of small whole numbers and halves are exact.
        float[] Combined(long[] row, float[]? weight)
        {
            float sum = 0, squares = 0;
            var result = new float[2];
            for (var i = 0; i < row.Length; i++)
            {
                var w = weight?[i] ?? 1;
                if (row[i] < 0 || (combiner != Combiner.Sum && w <= 0)) continue;
                for (var d = 0; d < 2; d++) result[d] += w * table[row[i]][d];
                sum += w;
                squares += w * w;
            }
            var divisor = combiner switch { Combiner.Mean => sum, Combiner.SqrtN => MathF.Sqrt(squares), _ => 1 };
            return divisor == 0 ? [0, 0] : [result[0] / divisor, result[1] / divisor];
        }
    }

    [Fact]
    public void LongEmbeddingsAreShortenedFirst()
    {
        var batch = new FeatureBatch(1).Add("x", FeatureInput.Of(new long[][] { [0, 1] }));
        using var layer = new DenseFeatures(_stream, [new EmbeddingColumn(X, 2, Combiner.Sum, maxNorm: 2.5f)]);
        layer.Tables["x_embedding"].CopyFrom<float>(_stream, [3, 4, 1, 2, 0, 0, 0, 0]);
        using var y = layer.Forward(_stream, _cache.Reset(batch));
        Assert.Equal([1.5f + 1, 2 + 2], y.ToArray<float>(_stream)); // (3, 4) has norm 5, (1, 2) less than 2.5
        Assert.Throws<FeatureException>(() => new EmbeddingColumn(X, 2, maxNorm: 0));
    }

    [Fact]
    public void EmbeddingOfCountsEqualsIndicatorTimesTable()
    {
        var random = new Random(3);
        var rows = Enumerable.Range(0, 37).Select(_ => Enumerable.Range(0, random.Next(6)).Select(_ => (long)random.Next(4)).ToArray()).ToArray();
        var batch = new FeatureBatch(37).Add("x", FeatureInput.Of(rows));
        using var layer = new DenseFeatures(_stream, [new EmbeddingColumn(X, 3, Combiner.Sum), new IndicatorColumn(X)]);
        using var y = layer.Forward(_stream, _cache.Reset(batch));
        var table = layer.Tables["x_embedding"].ToArray<float>(_stream);
        var values = y.ToArray<float>(_stream);
        for (var r = 0; r < 37; r++)
            for (var d = 0; d < 3; d++)
            {
                var product = Enumerable.Range(0, 4).Sum(i => (double)values[r * 7 + 3 + i] * table[i * 3 + d]);
                // At most five terms below 2 each: their roundings stay below 5 * 10 * 2^-24.
                Assert.Equal(product, values[r * 7 + d], 3e-6);
            }
    }

    [Fact]
    public void SharedTablesAreOne()
    {
        var y = new IdentityColumn("y", 4);
        var shared = EmbeddingColumn.Shared([y, X], 2, Combiner.Sum);
        Assert.Equal(["y_shared_embedding", "x_shared_embedding"], shared.Select(c => c.Name));
        Assert.All(shared, c => Assert.Equal("x_y_shared_embedding", c.TableName));
        using var layer = new DenseFeatures(_stream, shared);
        Assert.Single(layer.Tables).Value.CopyFrom<float>(_stream, [1, 2, 3, 4, 5, 6, 7, 8]);
        var batch = new FeatureBatch(1).Add("x", FeatureInput.Of(new long[][] { [0] })).Add("y", FeatureInput.Of(new long[][] { [3, 3] }));
        using var output = layer.Forward(_stream, _cache.Reset(batch));
        Assert.Equal([1f, 2, 14, 16], output.ToArray<float>(_stream));
    }

    // Of 20000 draws from a normal distribution cut at 2, the deviation is 0.8796 and lies within 0.02 of it (8 standard
    // errors).
    [Fact]
    public void TablesStartFromACutNormalDistribution()
    {
        var column = new EmbeddingColumn(new IdentityColumn("x", 1250), 16);
        using var layer = new DenseFeatures(_stream, [column], seed: 5);
        using var again = new DenseFeatures(_stream, [column], seed: 5);
        using var other = new DenseFeatures(_stream, [column], seed: 6);
        var table = layer.Tables["x_embedding"].ToArray<float>(_stream);
        Assert.Equal(table, again.Tables["x_embedding"].ToArray<float>(_stream));
        Assert.NotEqual(table, other.Tables["x_embedding"].ToArray<float>(_stream));
        Assert.All(table, value => Assert.InRange(value, -0.5f, 0.5f));
        Assert.Equal(0.8796 / 4, Math.Sqrt(table.Average(value => (double)value * value)), 0.005);
        Assert.Equal(0, table.Average(value => (double)value), 0.01);
    }

    [Theory]
    [InlineData(Combiner.Sum)]
    [InlineData(Combiner.Mean)]
    public void LinearModelsAddUp(Combiner combiner)
    {
        var number = new NumericColumn("n", [2]);
        var weighted = new WeightedCategoricalColumn(X, "w");
        using var model = new LinearModel(_stream, [number, new BucketizedColumn(number, [0]), weighted], units: 2, combiner);
        Assert.All(model.Weights.Values.Append(model.Bias), w => Assert.All(w.ToArray<float>(_stream), value => Assert.Equal(0, value)));
        model.Weights["n"].CopyFrom<float>(_stream, [1, 2, 3, 4]);
        model.Weights["n_bucketized"].CopyFrom<float>(_stream, [10, 20, 30, 40, 50, 60, 70, 80]);
        model.Weights["x_weighted_by_w"].CopyFrom<float>(_stream, [100, 0, 0, 100, 200, 200, 0, 0]);
        model.Bias.CopyFrom<float>(_stream, [0.5f, -0.5f]);
        var batch = new FeatureBatch(2).Add("n", FeatureInput.Of([[-1f, 2], [3, 0]], isDense: true))
            .Add("x", FeatureInput.Of(new long[][] { [0, 2], [] })).Add("w", FeatureInput.Of([[1f, 3], []]));
        using var y = model.Forward(_stream, _cache.Reset(batch));
        // Row 0: n -1*(1,2)+2*(3,4) = (5,6); buckets 0 and 3; x 1*(100,0)+3*(200,200). Row 1: n 3*(1,2) = (3,6); buckets 1 and
        // 3.
        var mean = combiner == Combiner.Mean;
        Assert.Equal(mean
            ? [5 + 40 + 175 + 0.5f, 6 + 50 + 150 - 0.5f, 3 + 50 + 0.5f, 6 + 60 - 0.5f]
            : [5 + 80 + 700 + 0.5f, 6 + 100 + 600 - 0.5f, 3 + 100 + 0.5f, 6 + 120 - 0.5f], y.ToArray<float>(_stream));
        Assert.Throws<FeatureException>(() => new LinearModel(_stream, [X, X]));
        Assert.Throws<FeatureException>(() => new LinearModel(_stream, [new SequenceCategoricalColumn(X)]));
    }

    [Fact]
    public void EmptyBatchesPass()
    {
        using var layer = new DenseFeatures(_stream, [new EmbeddingColumn(X, 2), new IndicatorColumn(X)]);
        using var y = layer.Forward(_stream, _cache.Reset(new FeatureBatch(0).Add("x", FeatureInput.Of(Array.Empty<long[]>()))));
        Assert.Equal([0, 6], y.Shape.ToArray());
    }

    private string Refused(params FeatureColumn[] columns) =>
        Assert.Throws<FeatureException>(() => new DenseFeatures(_stream, columns)).Message;
}
