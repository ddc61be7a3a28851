using Xunit;

namespace Fovea.Data.Tests;

public sealed class SequenceTests : IDisposable
{
    private static readonly SequenceCategoricalColumn X = new(new IdentityColumn("x", 3));

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();
    private readonly FeatureCache _cache = new();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void StepsAreNotCombined()
    {
        var batch = new FeatureBatch(3).Add("x", FeatureInput.Of(new long[][] { [2, 1], [], [0, 0, 1] }))
            .Add("v", FeatureInput.Of([[1f, 2, 3, 4], [], [5f, 6, 7, 8, 9, 10]]));
        using var layer = new SequenceFeatures(_stream, [new SequenceNumericColumn("v", [2], -1), new EmbeddingColumn(X, 1), new IndicatorColumn(X)]);
        Assert.Equal(["v", "x_embedding", "x_indicator"], layer.Columns.Select(c => c.Column.Name));
        layer.Tables["x_embedding"].CopyFrom<float>(_stream, [10, 20, 30]);
        var (values, lengths) = layer.Forward(_stream, _cache.Reset(batch));
        using (values)
        using (lengths)
        {
            Assert.Equal([3, 3, 6], values.Shape.ToArray());
            Assert.Equal([2, 0, 3], lengths.ToArray<int>(_stream));
            float[] padding = [-1, -1, 0, 0, 0, 0];
            Assert.Equal([1f, 2, 30, 0, 0, 1, 3, 4, 20, 0, 1, 0, .. padding, .. padding, .. padding, .. padding,
                5, 6, 10, 1, 0, 0, 7, 8, 10, 1, 0, 0, 9, 10, 20, 0, 1, 0], values.ToArray<float>(_stream));
        }
    }

    // Steps with any number of values: row 0 has steps {1, 2}, {}, {0}, row 1 has {2}, {}. The length ends with the last value.
    [Fact]
    public void ValuesOfOneStepAreCombined()
    {
        var raw = FeatureInput.Of(new long[] { 1, 2, 0, 2 }, new long[] { 0, 3, 5 }, stepSplits: new long[] { 0, 2, 2, 3, 4, 4 });
        var batch = new FeatureBatch(2).Add("x", raw);
        var ids = _cache.Reset(batch).Ids(X);
        Assert.Equal((6, 3), (ids.Rows, ids.Steps));
        Assert.Equal([3, 1], ids.Lengths.ToArray());
        Assert.Equal([0, 2, 2, 3, 4, 4, 4], ids.RowSplits.ToArray());
        using var layer = new SequenceFeatures(_stream, [new EmbeddingColumn(X, 1, Combiner.Mean)]);
        layer.Tables["x_embedding"].CopyFrom<float>(_stream, [10, 20, 30]);
        var (values, lengths) = layer.Forward(_stream, _cache);
        using (values)
        using (lengths) Assert.Equal([25f, 0, 10, 30, 0, 0], values.ToArray<float>(_stream));
    }

    [Fact]
    public void MissingStepsOfDenseFeaturesEndASequence()
    {
        var batch = new FeatureBatch(2).Add("x", FeatureInput.Of(new long[][] { [2, -1, 1, -1], [0, -1, -1, -1] }, isDense: true));
        var ids = _cache.Reset(batch).Ids(X);
        Assert.Equal(4, ids.Steps);
        Assert.Equal([3, 1], ids.Lengths.ToArray());
        Assert.Equal([2, 1, 0], ids.Ids.ToArray());
        Assert.Equal([0, 1, 1, 2, 2, 3, 3, 3, 3], ids.RowSplits.ToArray());
    }

    [Fact]
    public void ColumnsMustAgreeOnTheSteps()
    {
        var batch = new FeatureBatch(2).Add("x", FeatureInput.Of(new long[][] { [2, 1], [1] })).Add("v", FeatureInput.Of([[1f, 2], [3f, 4]]))
            .Add("s", FeatureInput.Of(new float[] { 1, 2, 3 }, new long[] { 0, 1, 2 }, stepSplits: new long[] { 0, 2, 3 }));
        _cache.Reset(batch);
        Assert.Contains("other numbers of steps", Refused(new IndicatorColumn(X), new SequenceNumericColumn("v")));
        Assert.Contains("row 0 has 2 values", Refused(new SequenceNumericColumn("v", [3])));
        Assert.Contains("step 1 has 1 values", Refused(new SequenceNumericColumn("s", [2])));
    }

    private string Refused(params FeatureColumn[] columns)
    {
        using var layer = new SequenceFeatures(_stream, columns);
        return Assert.Throws<FeatureException>(() => layer.Forward(_stream, _cache)).Message;
    }
}
