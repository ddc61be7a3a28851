using Xunit;

namespace Fovea.Data.Tests;

/// <summary>Ids of random rows against the slow hash: every row, every column, over batches of different sizes through one
/// cache.</summary>
public class RandomRowTests
{
    private static readonly string[] Cities = ["Bonn", "Zürich", "", "São Paulo", "a", "bb", "ccc", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "東京"];

    [Fact]
    public void IdsEqualTheSlowHash()
    {
        var city = new HashBucketColumn("city", 1013);
        var user = new HashBucketColumn("user", 65536, FeatureKind.Int64);
        var tags = new VocabularyColumn("tags", ["t0", "t1", "t2"], oovBuckets: 11);
        var age = new BucketizedColumn(new NumericColumn("age"), [18, 30, 50]);
        var cross = new CrossedColumn(["user", tags, new CrossedColumn([age, "city"], 3)], 99991, 42);
        var random = new Random(8);
        var cache = new FeatureCache();
        foreach (var rows in (int[])[1, 333, 64, 1000, 0, 257])
        {
            var data = Enumerable.Range(0, rows).Select(_ => new Row(random)).ToArray();
            cache.Reset(new FeatureBatch(rows).Add("city", FeatureInput.Of([.. data.Select(r => r.City)])).Add("user", FeatureInput.Of([.. data.Select(r => r.User)]))
                .Add("tags", FeatureInput.Of([.. data.Select(r => r.Tags)])).Add("age", FeatureInput.Of([.. data.Select(r => new[] { r.Age })], isDense: true)));
            // The cross first: its parents are computed on demand, once.
            var (crossIds, cityIds, userIds, tagIds) = (cache.Ids(cross), cache.Ids(city), cache.Ids(user), cache.Ids(tags));
            for (var r = 0; r < rows; r++)
            {
                var row = data[r];
                var bucket = row.Age < 18 ? 0L : row.Age < 30 ? 1 : row.Age < 50 ? 2 : 3;
                long[] tagRow = [.. row.Tags.Select(t => t is "t0" or "t1" or "t2" ? t[1] - '0' : 3 + SlowHash.Bucket(t, 11))];
                Assert.Equal(row.City.Select(c => SlowHash.Bucket(c, 1013)), cityIds.Row(r).ToArray());
                Assert.Equal(row.User.Select(u => SlowHash.Bucket(u, 65536)), userIds.Row(r).ToArray());
                Assert.Equal(tagRow, tagIds.Row(r).ToArray());
                Assert.Equal(SlowHash.Cross([[.. row.User.Cast<object>()], [.. tagRow.Cast<object>()], [bucket], [.. row.City]], 99991, 42), crossIds.Row(r).ToArray());
            }
        }
    }

    // A warm cache makes no garbage, whatever the columns.
    [Fact]
    public void AWarmCacheAllocatesNothing()
    {
        var words = FeatureInput.Of([.. Enumerable.Range(0, 500).Select(i => new[] { $"w{i}", $"v{i % 7}" })]);
        var numbers = FeatureInput.Of([.. Enumerable.Range(0, 500).Select(i => new[] { i / 3f })], isDense: true);
        var age = new BucketizedColumn(new NumericColumn("age", normalizer: v => v / 2), [18, 30, 50]);
        ICategoricalColumn[] columns =
        [
            new HashBucketColumn("word", 1013), new VocabularyColumn("word", ["w1", "v2"], oovBuckets: 3), age,
            new CrossedColumn(["word", age], 977), new SequenceCategoricalColumn(new HashBucketColumn("word", 5)),
        ];
        var cache = new FeatureCache();
        var bag = new BagBatch();
        var batch = new FeatureBatch(500).Add("word", words).Add("age", numbers);
        void Run()
        {
            cache.Reset(batch);
            foreach (var column in columns) bag.Prepare(cache.Ids(column), Combiner.Mean);
        }
        for (var i = 0; i < 3; i++) Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++) Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Row(Random random)
    {
        public string[] City { get; } = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Cities[random.Next(Cities.Length)])];
        public long[] User { get; } = [.. Enumerable.Range(0, random.Next(3)).Select(_ => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64))];
        public string[] Tags { get; } = [.. Enumerable.Range(0, random.Next(4)).Select(_ => $"t{random.Next(9)}")];
        public float Age { get; } = random.Next(100);
    }
}
