using Xunit;

namespace Fovea.Data.Tests;

public class ExampleFeaturesTests
{
    [Fact]
    public void ParsedRecordsKeepTheirRows()
    {
        var city = new HashBucketColumn("city", 100);
        var spec = new ParseSpec([city, new NumericColumn("price", [2], 7)]);
        using var batch = new ExampleParser(spec.Features).CreateBatch();
        var features = new ExampleFeatures();
        var cache = new FeatureCache();
        // Twice, the second batch smaller: nothing of the first may remain.
        foreach (var rows in (string[][][])[[["a", "bb"], [], ["c"]], [["dd"]]])
        {
            batch.Clear();
            foreach (var row in rows) batch.Add(row.Length == 0 ? new ExampleWriter().ToArray() : new ExampleWriter().Add("city", row).Add("price", 1f, 2f).ToArray());
            cache.Reset(features.Read(batch));
            var ids = cache.Ids(city);
            for (var r = 0; r < rows.Length; r++) Assert.Equal(rows[r].Select(c => SlowHash.Bucket(c, 100)), ids.Row(r).ToArray());
            var price = cache.Values(new NumericColumn("price", [2], 7)).ToArray();
            Assert.Equal(rows.SelectMany(row => row.Length == 0 ? new float[] { 7, 7 } : [1, 2]), price);
        }
    }

    [Fact]
    public void FeatureListsAreSteps()
    {
        var column = new SequenceCategoricalColumn(new HashBucketColumn("words", 100));
        var number = new SequenceNumericColumn("level", [2]);
        var spec = new ParseSpec([new IndicatorColumn(column), number]);
        using var batch = new ExampleParser(spec.Features, spec.Sequences).CreateBatch();
        var writer = new SequenceExampleWriter();
        writer.BeginList("words").AddStep("a", "b").AddStep(Array.Empty<string>()).AddStep("c");
        writer.BeginList("level").AddStep(1f, 2f).AddStep(3f, 4f).AddStep(5f, 6f);
        batch.Add(writer.ToArray());
        var cache = new FeatureCache().Reset(new ExampleFeatures().Read(batch));
        var ids = cache.Ids(column);
        Assert.Equal([0, 2, 2, 3], ids.RowSplits.ToArray());
        Assert.Equal([3], ids.Lengths.ToArray());
        Assert.Equal(((string[])["a", "b", "c"]).Select(w => SlowHash.Bucket(w, 100)), ids.Ids.ToArray());
        var lengths = new int[1];
        Assert.Equal(3, number.Measure(cache, lengths));
    }
}
