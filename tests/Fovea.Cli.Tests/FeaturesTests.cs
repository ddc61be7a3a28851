using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class FeaturesTests : IDisposable
{
    private const string Columns = """
        {"columns": [
          {"type": "numeric", "key": "price", "shape": [2], "default": 11, "mean": 1, "deviation": 2},
          {"type": "bucketized", "source": {"type": "numeric", "key": "age"}, "boundaries": [18, 30]},
          {"type": "hash_bucket", "key": "city", "buckets": 10},
          {"type": "crossed", "keys": ["a", "b"], "buckets": 10},
          {"type": "embedding", "categorical": {"type": "weighted", "categorical": {"type": "identity", "key": "tag", "buckets": 9}, "weight_key": "w"}, "dimension": 4},
          {"type": "indicator", "categorical": {"type": "sequence_categorical", "categorical": {"type": "identity", "key": "step", "buckets": 5}}}
        ]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-features-").FullName;

    public FeaturesTests() => File.WriteAllText(Path.Combine(_folder, "columns.json"), Columns);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ValuesAreExplained()
    {
        var result = Explain("--value", "age=30", "--value", "city=a", "--value", "city=b", "--value", "a=a", "--value", "b=b",
            "--value", "tag=7", "--value", "tag=2", "--value", "w=0.5", "--value", "w=-3", "--value", "step=4", "--value", "step=0");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        // TensorFlow's own tests: hash buckets of "a" and "b", the cross of both.
        Assert.Equal(["column", "reads", "buckets", "ids", "weights", "numbers"], Row(result, "column"));
        Assert.Equal(["price", "price", "", "", "", "5 5"], Row(result, "price"));
        Assert.Equal(["age_bucketized", "age", "3", "2", "", "30"], Row(result, "age_bucketized"));
        Assert.Equal(["city", "city", "10", "9 2", "", ""], Row(result, "city"));
        Assert.Equal(["a_X_b", "a, b", "10", "6", "", ""], Row(result, "a_X_b"));
        Assert.Equal(["tag_weighted_by_w_embedding", "tag, w", "9", "7 2", "0.5 -3", ""], Row(result, "tag_"));
        Assert.Equal(["step_indicator", "step", "5", "4, 0", "", ""], Row(result, "step_"));
    }

    [Fact]
    public void RecordsAreExplained()
    {
        var path = Path.Combine(_folder, "r.tfrecord");
        using (var writer = TfRecordWriter.Create(path))
        {
            writer.Write(new ExampleWriter().Add("age", 5f).ToArray());
            writer.Write(new ExampleWriter().Add("age", 20f).Add("city", "d").ToArray());
        }
        var result = Explain("--record", path, "--index", "1");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(["city", "city", "10", "5", "", ""], Row(result, "city"));
        Assert.Equal(["a_X_b", "a, b", "10", "-", "", ""], Row(result, "a_X_b"));
        Assert.Equal(["age_bucketized", "age", "3", "1", "", "20"], Row(result, "age_bucketized"));
        Fails("there are 2 records, 2 is not one of them", 1, "--record", path, "--index", "2");
        Fails("nosuch", 1, "--record", Path.Combine(_folder, "nosuch"));
    }

    [Fact]
    public void MistakesAreSaid()
    {
        Fails("no column reads 'nosuch'; they read a, age, b, city, price, tag, w, step", 2, "--value", "nosuch=1");
        Fails("'x' is no Int64, which 'tag' needs", 2, "--value", "tag=x");
        Fails("feature 'age': it is required, but missing", 1, "--value", "tag=1");
        Fails("9 is not an id below 9", 1, "--value", "age=1", "--value", "tag=9", "--value", "w=1");
        File.WriteAllText(Path.Combine(_folder, "columns.json"), """{"columns": [{"type": "nosuch"}]}""");
        Fails("nosuch", 1, "--value", "a=1");
    }

    private void Fails(string message, int code, params string[] arguments)
    {
        var result = Explain(arguments);
        Assert.Equal((code, ""), (result.ExitCode, result.Out));
        Assert.Contains(message, result.Error);
    }

    private CliResult Explain(params string[] arguments) => CliResult.Of(["features", "explain", Path.Combine(_folder, "columns.json"), .. arguments]);

    private static string[] Row(CliResult result, string start) =>
        [.. result.Lines.Single(line => line.StartsWith("| " + start, StringComparison.Ordinal)).Trim('|').Split('|').Select(cell => cell.Trim())];
}
