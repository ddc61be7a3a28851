using System.Text.Json;
using Fovea.Cli.Drawing;
using Fovea.Cli.Experiments;
using Fovea.Cli.Experiments.NmsCrowds;
using Fovea.Cli.Experiments.Systems;
using SkiaSharp;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class ExperimentTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-experiment-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void EveryExperimentHasOneLine()
    {
        var result = CliResult.Of(["experiment", "--list"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(ExperimentCatalog.All.Count, result.Lines.Length);
        Assert.StartsWith("checkpointing  ", result.Lines[0]);
    }

    [Fact]
    public void QuickCheckpointingPassesAndWritesItsFiles()
    {
        string json = InFolder("result.json"), plot = InFolder("plot.png");
        var result = CliResult.Of(["experiment", "checkpointing", "--quick", "--json", json, "--plot", plot]);
        Assert.True(result.ExitCode == 0, result.Out + result.Error);
        Assert.Contains("uniform sqrt(n)", result.Out);
        Assert.Equal("pass", result.Lines[^1].TrimEnd());

        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var root = document.RootElement;
        Assert.Equal(["name", "pass", "condition", "measured", "seconds", "rows"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal("checkpointing", root.GetProperty("name").GetString());
        Assert.True(root.GetProperty("pass").GetBoolean());
        Assert.True(root.GetProperty("seconds").GetDouble() > 0);
        var rows = root.GetProperty("rows").EnumerateArray().ToArray();
        long plain = rows.Single(r => r.GetProperty("planner").GetString() == "plain").GetProperty("peak_bytes").GetInt64();
        var tight = rows.Single(r => r.GetProperty("planner").GetString() == "optimal" && r.GetProperty("budget_percent").GetInt32() == 10);
        Assert.InRange(tight.GetProperty("peak_bytes").GetInt64(), 1, plain / 10);
        Assert.True(tight.GetProperty("recomputed_ops").GetInt32() > 0);
        Assert.Contains(rows, r => r.GetProperty("offloaded_tensors").GetInt32() > 0);
        Assert.All(rows, r => Assert.True(r.GetProperty("bitwise_equal").GetBoolean()));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(plot)[..4]);
    }

    [Theory]
    [InlineData("iou-losses", "DIoU")]
    [InlineData("nms-crowds", "soft Gaussian")]
    [InlineData("detector-checkpointing", "eviction")]
    public void QuickExperimentsPass(string name, string row)
    {
        var result = CliResult.Of(["experiment", name, "--quick", "--json", InFolder("result.json")]);
        Assert.True(result.ExitCode == 0, result.Out + result.Error);
        Assert.Contains(row, result.Out);
    }

    [Fact]
    public void SystemsAreTrainedAndCompared()
    {
        var result = new SystemsExperiment(["fcos", "yolov1"]).Run(quick: true, _ => { });
        Assert.True(result.Pass, result.Measured);
        Assert.Equal(["fcos", "yolov1"], result.Rows.Select(r => r[0]));
        Assert.All(result.Rows, r => Assert.Equal(result.Columns.Count, r.Count));
    }

    // The sizes of neighbours vary by 5 % and their places by 2 % of the distance, 16 pixels at least: the mean stays within 0.05.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.3, 0.3)]
    [InlineData(0.65, 0.65)]
    public void CrowdsAreAsDenseAsTheySay(double overlap, double expected)
    {
        var random = new Random(1);
        var overlaps = Enumerable.Range(0, 20).SelectMany(_ =>
        {
            var people = CrowdImage.Make(random, overlap).Objects;
            return Enumerable.Range(0, CrowdImage.People).Where(i => i % 5 > 0).Select(i => people[i].Iou(people[i - 1]));
        });
        Assert.InRange(overlaps.Average(), expected - 0.05, expected + 0.05);
    }

    [Fact]
    public void AFailedConditionExitsWith1()
    {
        string json = InFolder("result.json");
        using var output = new StringWriter();
        var console = new CliConsole(output, TextWriter.Null, OutIsTerminal: false, ErrorIsTerminal: false);
        Assert.Equal(1, Commands.ExperimentCommand.Run(console, new Refuted(), quick: true, json, plot: null));
        Assert.Contains("FAIL", output.ToString());
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        Assert.False(document.RootElement.GetProperty("pass").GetBoolean());
        var row = Assert.Single(document.RootElement.GetProperty("rows").EnumerateArray());
        Assert.Equal("""{"what":"stones","count":3,"share":null,"known":null}""", JsonSerializer.Serialize(row));
    }

    [Fact]
    public void PlotsDrawLinesAndSkipWhatIsNotANumber()
    {
        string path = InFolder("plot.png");
        var plot = new LinePlot("loss", "step", "loss");
        plot.Add("train", [(0, 2), (1, 1), (2, double.NaN), (3, 0.5)]);
        plot.Save(path);
        using var bitmap = SKBitmap.Decode(path);
        Assert.Equal(SKColors.White, bitmap.GetPixel(2, 2));
        // Axes from 0 to 3 and from 0.5 to 2: the first point is the upper left corner of the grid, the last the lower right.
        Assert.Equal(SKColors.SteelBlue, bitmap.GetPixel(120, 60));
        Assert.Equal(SKColors.SteelBlue, bitmap.GetPixel(900, 710));
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    private sealed class Refuted : IExperiment
    {
        public string Name => "refuted";

        public string Description => "nothing";

        public ExperimentResult Run(bool quick, Action<string> progress) =>
            new(Pass: false, "never", "once", ["what", "count", "share", "known"], [["stones", 3, double.NaN, null]]);
    }
}
