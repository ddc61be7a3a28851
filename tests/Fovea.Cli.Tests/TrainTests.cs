using System.Text.Json;
using Fovea.Cli.Commands;
using Fovea.Cli.Detectors;
using Fovea.Cli.Training;
using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Systems;
using Fovea.Training;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class TrainTests : IDisposable
{
    private static readonly string[] Small = ["train", "fcos", "--size", "32", "--images", "4", "--held-out", "2", "--batch", "2"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-train-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void ARunFillsItsFolderAndGoesOn()
    {
        var run = InFolder("run");
        var result = CliResult.Of([.. Small, "--out", run, "--steps", "4", "--eval-every", "2", "--save-every", "3"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("held out", result.Out, StringComparison.Ordinal);
        Assert.Contains("fovea: 4 of 4 steps, loss ", result.Error, StringComparison.Ordinal);
        Assert.Equal(["ap.csv", "ap.png", "log.csv", "losses.png", "model.safetensors", "state.safetensors"], Directory.GetFiles(run).Select(Path.GetFileName).Order());
        Assert.Equal([2L, 4L], ApLog.Read(InFolder("run/ap.csv")).Select(line => line.Step));
        using (var stream = Device.Cpu.CreateStream())
        using (var model = TrainedDetector.Load(stream, InFolder("run/model.safetensors"))) Assert.Equal(32, model.System.ImageSize);

        result = CliResult.Of([.. Small, "--out", run, "--steps", "6"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("holds a run already", result.Error, StringComparison.Ordinal);

        // Steps that were logged but not saved are made again.
        File.AppendAllText(InFolder("run/ap.csv"), "5,0,0,0,NaN\n");
        result = CliResult.Of([.. Small, "--out", run, "--steps", "6", "--resume", "--json", "--eval-every", "3"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal([1L, 2, 3, 4, 5, 6], TrainingLog.Read(InFolder("run/log.csv")).Select(s => s.Step));
        Assert.Equal([2L, 4L, 6L], ApLog.Read(InFolder("run/ap.csv")).Select(line => line.Step));
        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal(["system", "steps", "seconds", "peak_bytes", "parameters", "ms_per_image", "learnt", "held_out"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(6, json.RootElement.GetProperty("steps").GetInt32());
        Assert.InRange(json.RootElement.GetProperty("held_out").GetProperty("AP50").GetDouble(), 0, 1);
    }

    [Fact]
    public void MtcnnIsTrainedNetworkByNetwork()
    {
        string[] mtcnn = ["train", "mtcnn", "--size", "64", "--held-out", "2", "--batch", "8", "--steps", "3"];
        var run = InFolder("mtcnn");
        var result = CliResult.Of([.. mtcnn, "--images", "16", "--out", run, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("output net, loss ", result.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal(["system", "seconds", "faces", "recall", "precision", "landmark_error", "stages"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(["proposal", "refinement", "output"], json.RootElement.GetProperty("stages").EnumerateArray().Select(s => s.GetProperty("network").GetString()));
        using (var model = MtcnnModel.Load(Device.Cpu, Path.Combine(run, "model.safetensors"))) Assert.Equal(DeviceType.Cpu, model.Device.Type);

        result = CliResult.Of([.. mtcnn, "--average", "0.9"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--average is not for mtcnn", result.Error, StringComparison.Ordinal);

        result = CliResult.Of([.. mtcnn, "--images", "3"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("no window of 3 images shows a face", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void AStoppedRunIsSaved()
    {
        var data = TrainingData.Scenes(new SceneOptions { Width = 32, Height = 32, MaxSize = 24 }, 1, 4, 2);
        var settings = new TrainSettings("fcos", new DetectorTrainingOptions { Steps = 5, BatchSize = 2 }, data) { Folder = InFolder("run") };
        using var stop = new CancellationTokenSource();
        using var error = new CancelledBy("fovea: 2 of 5", stop);
        var console = new CliConsole(TextWriter.Null, error, OutIsTerminal: false, ErrorIsTerminal: false);
        Assert.Equal(ExitCode.Interrupted, new TrainRun(console, settings).Run(stop.Token));
        Assert.Contains("stopped after 2 of 5 steps: --resume goes on", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, new TrainRun(console, settings with { Resumes = true }).Run(CancellationToken.None));
        Assert.Equal(5, TrainingLog.Read(InFolder("run/log.csv")).Count());
    }

    [Fact]
    public void ATrainedModelDetectsAndIsJudged()
    {
        // Two photos with a square each, and their labels.
        var photos = Directory.CreateDirectory(InFolder("photos")).FullName;
        var scenes = new SceneGenerator(new SceneOptions { Width = 48, Height = 40, MaxSize = 30, Shapes = [SceneShape.Square] }, 1, 2);
        for (var i = 0; i < 2; i++) ImageFile.Save(Path.Combine(photos, $"{i}.png"), scenes.Load(i).Image);
        File.WriteAllText(InFolder("labels.json"), $$"""
            {"images": [{"id": 1, "file_name": "0.png", "width": 48, "height": 40}, {"id": 2, "file_name": "1.png", "width": 48, "height": 40}],
             "categories": [{"id": 7, "name": "square"}],
             "annotations": [{{Annotation(1, scenes.Load(0))}}, {{Annotation(2, scenes.Load(1))}}]}
            """);
        var model = InFolder("run/model.safetensors");
        var result = CliResult.Of(
            ["train", "fcos", "--labels", InFolder("labels.json"), "--photos", photos, "--held-out", "1", "--size", "32", "--steps", "2", "--batch", "1", "--out", InFolder("run")]);
        Assert.True(result.ExitCode == 0, result.Error);

        result = CliResult.Of(["detect", Path.Combine(photos, "0.png"), "--model", model, "--threshold", "0", "--json"], Real);
        Assert.True(result.ExitCode == 0, result.Error);
        using (var json = JsonDocument.Parse(result.Out))
            Assert.All(json.RootElement.GetProperty("detections").EnumerateArray(), d => Assert.Equal("square", d.GetProperty("label").GetString()));
        result = CliResult.Of(["eval", InFolder("labels.json"), "--images", photos, "--model", model, "--threshold", "0", "--json"], Real);
        Assert.True(result.ExitCode == 0, result.Error);
        using (var json = JsonDocument.Parse(result.Out)) Assert.Equal(2, json.RootElement.GetProperty("images").GetInt32());

        Assert.Equal(2, CliResult.Of(["detect", Path.Combine(photos, "0.png"), "--model", "nothing"], Real).ExitCode);
        File.WriteAllText(model, "no weights at all");
        result = CliResult.Of(["detect", Path.Combine(photos, "0.png"), "--model", model], Real);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("model.safetensors", result.Error, StringComparison.Ordinal);
        Assert.Equal(3, CliResult.Of(["eval", InFolder("labels.json"), "--images", photos, "--model", model], Real).ExitCode);

        static string Annotation(int image, LabelledImage scene)
        {
            var o = scene.Objects[0];
            return FormattableString.Invariant(
                $$"""{"id": {{image}}, "image_id": {{image}}, "category_id": 7, "bbox": [{{o.X1}}, {{o.Y1}}, {{o.X2 - o.X1}}, {{o.Y2 - o.Y1}}]}""");
        }

        static IDetector Real(DetectorOptions options) => DetectorCatalog.Create(options, new ModelStore());
    }

    [Theory]
    [InlineData("small", 8)]
    [InlineData("crowds", 12)]
    [InlineData("shapes", 4)]
    public void ScenesOfAKind(string kind, int most)
    {
        var data = TrainingData.Scenes(TrainingData.SceneOptionsOf(kind, 96), 1, 20, 3);
        Assert.Equal((20, 3, 96, most), (data.Learnt.Count, data.HeldOut.Count, data.Size, data.MostObjects));
        var counts = Enumerable.Range(0, 20).Select(i => data.Learnt.Load(i).Objects.Count).ToArray();
        Assert.InRange(counts.Max(), 1, most);
        if (kind == "small") Assert.All(data.Learnt.Load(0).Objects, o => Assert.InRange(o.X2 - o.X1, 1, 14));
        if (kind == "crowds") Assert.True(counts.Average() > 4);
    }

    [Theory]
    [InlineData("--memory", "1K", "fits 1,024 bytes")]
    [InlineData("--memory", "many", "no number of bytes")]
    [InlineData("--micro-batches", "3", "cannot be shared out")]
    [InlineData("--average", "1", "between 0 and 1")]
    [InlineData("--resume", null, "--resume needs --out")]
    [InlineData("--labels", "x.json", "need each other")]
    [InlineData("--scenes", "clouds", "clouds")]
    [InlineData("--steps", "0", "must be at least 1")]
    public void BadOptions(string option, string? value, string message)
    {
        var result = CliResult.Of(value is null ? [.. Small, option] : [.. Small, option, value]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Out);
    }

    [Theory]
    [InlineData("17", 17)]
    [InlineData("3k", 3072)]
    [InlineData("2M", 2 << 20)]
    [InlineData("1G", 1 << 30)]
    public void BytesAreCountedInPowersOf1024(string text, long bytes) => Assert.Equal(bytes, ByteCount.Parse(text, null).Value);

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("9999999999999G")]
    public void OtherTextsAreNoBytes(string text) => Assert.Throws<FormatException>(() => ByteCount.Parse(text, null));

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Text that cancels as soon as it has a certain beginning of a line.</summary>
    private sealed class CancelledBy(string text, CancellationTokenSource source) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.StartsWith(text, StringComparison.Ordinal) == true) source.Cancel();
        }
    }
}
