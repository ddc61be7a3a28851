using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests;

/// <summary>The cases of TensorFlow's feature_column_test.py, each built from what its entry says.</summary>
public sealed class PublishedColumnTests : IDisposable
{
    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void AllCases()
    {
        var vectors = JsonDocument.Parse(SharedData.Vectors("tf_feature_columns.json")).RootElement.EnumerateArray().ToArray();
        Assert.True(vectors.Length >= 23);
        foreach (var vector in vectors)
        {
            var name = vector.GetProperty("name").GetString()!;
            try
            {
                Check(vector);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException(name, e);
            }
        }
    }

    private void Check(JsonElement v)
    {
        var kind = v.GetProperty("kind").GetString()!;
        switch (kind)
        {
            case "string_to_hash_bucket_fast":
                Assert.Equal(Longs(v, "expected"), Strings(v, "values").Select(s => FeatureHash.Bucket(Utf8(s), Buckets(v))));
                break;
            case "string_to_hash_bucket_strong":
                var key = Longs(v, "key");
                Assert.Equal(Longs(v, "expected"), Strings(v, "values").Select(s => FeatureHash.StrongBucket(Utf8(s), (ulong)key[0], (ulong)key[1], Buckets(v))));
                break;
            case "categorical_column_with_hash_bucket":
                var column = new HashBucketColumn("x", Buckets(v), v.GetProperty("dtype").GetString() == "int64" ? FeatureKind.Int64 : FeatureKind.Bytes);
                Assert.Equal(Longs(v, "expected"), Ids(column, v.GetProperty("values")).Ids.ToArray());
                break;
            case "vocabulary_list":
                CheckVocabulary(v);
                break;
            case "identity":
                var identity = new IdentityColumn("x", v.GetProperty("num_buckets").GetInt64(),
                    v.TryGetProperty("default_value", out var id) ? id.GetInt64() : null);
                if (v.TryGetProperty("error", out _)) Assert.Throws<FeatureException>(() => Ids(identity, v.GetProperty("values")));
                else Assert.Equal(Longs(v, "expected"), Ids(identity, v.GetProperty("values")).Ids.ToArray());
                break;
            case "bucketized_column":
                Assert.Equal(Matrix<long>(v, "expected").Select((row, i) => row.Select((b, j) => b + 5 * j)).SelectMany(row => row),
                    Cache("x", Floats(v, "values")).Ids(Bucketized(v)).Ids.ToArray());
                break;
            case "bucketized_column.dense":
                var oneHot = v.GetProperty("expected_dense").EnumerateArray().SelectMany(r => r.EnumerateArray()).SelectMany(r => r.EnumerateArray());
                Assert.Equal(oneHot.Select(e => e.GetSingle()), Dense(Bucketized(v), Cache("x", Floats(v, "values"))));
                break;
            case "parse_example(numeric)":
                CheckParseSpec(v);
                break;
            case var indicator when indicator.StartsWith("indicator(", StringComparison.Ordinal):
                CheckIndicator(v, kind);
                break;
            case "embedding(identity)":
                Assert.Equal(Matrix<float>(v, "expected_dense").SelectMany(r => r), Embedding(v, (stream, columns, cache, table) =>
                {
                    using var layer = new DenseFeatures(stream, columns);
                    layer.Tables["x_embedding"].CopyFrom<float>(stream, table);
                    using var y = layer.Forward(stream, cache);
                    return y.ToArray<float>(stream);
                }));
                break;
            default:
                Assert.StartsWith("linear_model(", kind, StringComparison.Ordinal);
                CheckLinear(v, kind);
                break;
        }
    }

    private static void CheckVocabulary(JsonElement v)
    {
        var column = Vocabulary(v);
        if (!v.TryGetProperty("dense", out _))
        {
            Assert.Equal(Longs(v, "expected"), Ids(column, v.GetProperty("values")).Ids.ToArray());
            return;
        }
        var ids = Cache("x", FeatureInput.Of(Matrix<long>(v, "dense"), isDense: true)).Ids(column);
        Assert.Equal(Longs(v, "expected"), ids.Ids.ToArray());
        Assert.Equal(v.GetProperty("expected_indices").EnumerateArray().Select(i => i[0].GetInt32()),
            Enumerable.Range(0, ids.Rows).SelectMany(r => Enumerable.Repeat(r, ids.Row(r).Length)));
    }

    private static void CheckParseSpec(JsonElement v)
    {
        var shape = Longs(v, "shape").Select(n => (int)n).ToArray();
        var column = new NumericColumn(v.GetProperty("key").GetString()!, shape, v.GetProperty("default_value").GetDouble());
        using var batch = new ExampleParser(new ParseSpec([column]).Features).CreateBatch();
        foreach (var example in v.GetProperty("examples").EnumerateArray())
        {
            var (key, values) = (example.EnumerateObject().Single().Name, example.EnumerateObject().Single().Value);
            batch.Add(new ExampleWriter().Add(key, [.. values.EnumerateArray().Select(p => p.GetSingle())]).ToArray());
        }
        Assert.Equal(Matrix<float>(v, "expected").SelectMany(r => r), Dense(column, new FeatureCache().Reset(new ExampleFeatures().Read(batch))));
    }

    private void CheckIndicator(JsonElement v, string kind)
    {
        ICategoricalColumn column = kind switch
        {
            "indicator(hash_bucket)" => new HashBucketColumn("x", Buckets(v)),
            "indicator(identity)" => new IdentityColumn("x", v.GetProperty("num_buckets").GetInt64()),
            "indicator(vocabulary_list)" => Vocabulary(v),
            _ => new WeightedCategoricalColumn(Vocabulary(v), "w"),
        };
        var rows = v.TryGetProperty("rows", out var ragged) ? Values(ragged)
            : FeatureInput.Of([.. Strings(v, "dense").Select(s => new[] { s })], isDense: true);
        var cache = Cache("x", rows);
        if (v.TryGetProperty("weights", out _)) cache.Batch.Add("w", FeatureInput.Of(Matrix<float>(v, "weights")));
        var expected = Matrix<float>(v, "expected_dense").SelectMany(r => r);
        Assert.Equal(expected, Dense(new IndicatorColumn(column), cache));
        using var layer = new DenseFeatures(_stream, [new IndicatorColumn(column)]);
        using var y = layer.Forward(_stream, cache);
        Assert.Equal(expected, y.ToArray<float>(_stream));
    }

    private void CheckLinear(JsonElement v, string kind)
    {
        var expected = Matrix<float>(v, "expected").SelectMany(r => r);
        var weights = v.GetProperty("weights").EnumerateArray().Select(w => w.GetSingle()).ToArray();
        if (kind == "linear_model(embedding)")
        {
            Assert.Equal(expected, Embedding(v, (stream, columns, cache, table) =>
            {
                using var model = new LinearModel(stream, columns);
                model.Tables["x_embedding"].CopyFrom<float>(stream, table);
                return Logits(model, cache, ("x_embedding", weights));
            }));
            return;
        }
        FeatureColumn column = kind switch
        {
            "linear_model(bucketized)" => Bucketized(v),
            "linear_model(vocabulary_list)" => Vocabulary(v),
            _ => new HashBucketColumn("x", 4),
        };
        var cache = Cache("x", column is BucketizedColumn ? Floats(v, "values") : Values(v.GetProperty("rows")));
        List<(string, float[])> set = [(column.Name, weights)];
        List<FeatureColumn> columns = [column];
        if (v.TryGetProperty("price", out _))
        {
            cache.Batch.Add("price", Floats(v, "price"));
            columns.Add(new NumericColumn("price"));
            set.Add(("price", [v.GetProperty("price_weight").GetSingle()]));
        }
        using var model = new LinearModel(_stream, columns);
        if (v.TryGetProperty("bias", out var bias)) model.Bias.CopyFrom<float>(_stream, [bias.GetSingle()]);
        Assert.Equal(expected, Logits(model, cache, [.. set]));
    }

    private float[] Logits(LinearModel model, FeatureCache cache, params (string Column, float[] Weights)[] set)
    {
        foreach (var (column, weights) in set) model.Weights[column].CopyFrom<float>(_stream, weights);
        using var y = model.Forward(_stream, cache);
        return y.ToArray<float>(_stream);
    }

    private float[] Embedding(JsonElement v, Func<DeviceStream, FeatureColumn[], FeatureCache, float[], float[]> run)
    {
        var column = new EmbeddingColumn(new IdentityColumn("x", v.GetProperty("num_buckets").GetInt64()), 2);
        return run(_stream, [column], Cache("x", FeatureInput.Of(Matrix<long>(v, "rows"))), [.. Matrix<float>(v, "table").SelectMany(r => r)]);
    }

    private static float[] Dense(IDenseColumn column, FeatureCache cache)
    {
        var values = new float[cache.Batch.Rows * column.Width];
        column.Write(cache, values, column.Width);
        return values;
    }

    private static BucketizedColumn Bucketized(JsonElement v) => new(
        new NumericColumn("x", [v.GetProperty("values")[0].GetArrayLength()]), [.. v.GetProperty("boundaries").EnumerateArray().Select(b => b.GetSingle())]);

    private static VocabularyColumn Vocabulary(JsonElement v)
    {
        var oov = v.TryGetProperty("num_oov_buckets", out var n) ? n.GetInt32() : 0;
        long? id = v.TryGetProperty("default_value", out var d) ? d.GetInt64() : null;
        return v.GetProperty("vocabulary")[0].ValueKind == JsonValueKind.String
            ? new VocabularyColumn("x", Strings(v, "vocabulary"), oov, id)
            : new VocabularyColumn("x", Longs(v, "vocabulary"), oov, id);
    }

    private static IdBatch Ids(ICategoricalColumn column, JsonElement values) =>
        Cache("x", values[0].ValueKind == JsonValueKind.String
            ? FeatureInput.Of([values.EnumerateArray().Select(s => s.GetString()!).ToArray()])
            : FeatureInput.Of([values.EnumerateArray().Select(s => s.GetInt64()).ToArray()])).Ids(column);

    private static FeatureInput Values(JsonElement rows) =>
        rows.EnumerateArray().SelectMany(r => r.EnumerateArray()).First().ValueKind == JsonValueKind.String
            ? FeatureInput.Of([.. rows.EnumerateArray().Select(r => r.EnumerateArray().Select(s => s.GetString()!).ToArray())])
            : FeatureInput.Of([.. rows.EnumerateArray().Select(r => r.EnumerateArray().Select(s => s.GetInt64()).ToArray())]);

    private static FeatureInput Floats(JsonElement v, string name) => FeatureInput.Of(Matrix<float>(v, name), isDense: true);

    private static FeatureCache Cache(string key, FeatureInput values) => new FeatureCache().Reset(new FeatureBatch(values.Rows).Add(key, values));

    private static T[][] Matrix<T>(JsonElement v, string name) where T : struct =>
        [.. v.GetProperty(name).EnumerateArray().Select(r => r.EnumerateArray().Select(e => (T)Convert.ChangeType(e.GetDouble(), typeof(T))).ToArray())];

    private static long[] Longs(JsonElement v, string name) => [.. v.GetProperty(name).EnumerateArray().Select(e => e.GetInt64())];

    private static string[] Strings(JsonElement v, string name) => [.. v.GetProperty(name).EnumerateArray().Select(e => e.GetString()!)];

    private static long Buckets(JsonElement v) => v.GetProperty("buckets").GetInt64();

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
