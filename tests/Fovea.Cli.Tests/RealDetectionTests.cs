using System.Diagnostics;
using System.Text.Json;
using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

/// <summary>The built tool as a process, with the real weights on a real photo.</summary>
public class RealDetectionTests
{
    private static readonly ModelStore Store = new();

    private static string Photo => Store.PathOf(ModelCatalog.Images[0]);

    [Theory]
    [InlineData("mtcnn")]
    [InlineData("blazeface")]
    [InlineData("blazeface-full-range")]
    [InlineData("blazeface-back")]
    [InlineData("tiny-yolov2-face")]
    public void FindsTheThreeFacesOfSample1(string model)
    {
        RequireWeights();
        var weights = ModelCatalog.Models.FirstOrDefault(m => m.Name == model) ?? ModelCatalog.Get("blazeface");
        Assert.SkipUnless(Store.IsInstalled(weights.Name), $"{weights.Name} weights are not installed; run {weights.InstallCommand}");
        var (code, output, error) = Run(Store.Folder, "detect", "--json", "--model", model, "--min-face", "40", Photo);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        var (width, height) = (json.RootElement.GetProperty("width").GetInt32(), json.RootElement.GetProperty("height").GetInt32());
        var faces = json.RootElement.GetProperty("detections").EnumerateArray().ToArray();
        Assert.Equal(3, faces.Length);
        foreach (var face in faces)
        {
            var box = face.GetProperty("box").EnumerateArray().Select(v => v.GetSingle()).ToArray();
            Assert.InRange(face.GetProperty("score").GetSingle(), 0.5f, 1f);
            Assert.True(box[0] < box[2] && box[1] < box[3] && box[2] > 0 && box[3] > 0 && box[0] < width && box[1] < height);
            // Eyes, nose and mouth of a real face lie in its box; BlazeFace's ears need not.
            foreach (var point in face.GetProperty("landmarks").EnumerateArray().Take(4))
            {
                Assert.InRange(point[0].GetSingle(), box[0], box[2]);
                Assert.InRange(point[1].GetSingle(), box[1], box[3]);
            }
        }
    }

    /// <summary>Detectors of everyday things see the people too, SSD hardly: it was trained on whole figures, and these fill the picture.</summary>
    [Theory]
    [InlineData("faceboxes", null, "face", 3, 3)]
    [InlineData("handtrack", null, "face", 3, 3)]
    [InlineData("nanodet", null, "person", 3, 3)]
    [InlineData("ssd-mobilenetv2", "0.1", "Person", 1, 10)]
    [InlineData("centernet", "0.4", "person", 3, 3)]
    public void FindsThePeopleOfSample1(string model, string? threshold, string label, int least, int most)
    {
        Assert.SkipUnless(Store.IsInstalled(model) && File.Exists(Photo), $"{model} weights or the photo are not installed; run {ModelCatalog.Get(model).InstallCommand}");
        string[] options = threshold is null ? [] : ["--threshold", threshold];
        var (code, output, error) = Run(Store.Folder, ["detect", "--json", "--model", model, .. options, Photo]);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        var labels = json.RootElement.GetProperty("detections").EnumerateArray().Select(d => d.GetProperty("label").GetString());
        Assert.InRange(labels.Count(l => l == label), least, most);
    }

    [Fact]
    public void FacesLargerThanTheImageAreNotAnError()
    {
        RequireWeights();
        var (code, output, _) = Run(Store.Folder, "detect", "--json", "--min-face", "5000", Photo);
        Assert.Equal(0, code);
        Assert.Contains("\"detections\":[]", output);
    }

    [Fact]
    public void TheCacheMayBeReadOnly()
    {
        RequireWeights();
        var folder = Directory.CreateTempSubdirectory("fovea-readonly-").FullName;
        try
        {
            Assert.Equal(0, RunCommand("cp", "-r", Store.Folder + "/.", folder).Code);
            RunCommand("chmod", "-R", "a-w", folder);
            Assert.Equal(0, Run(folder, "detect", "--json", "--min-face", "200", Photo).Code);
        }
        finally
        {
            RunCommand("chmod", "-R", "u+w", folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void MissingWeightsOfAProcessExitWith3()
    {
        var (code, output, error) = Run("/nonexistent/cache", "detect", "x.jpg");
        Assert.Equal(3, code);
        Assert.Equal("", output);
        Assert.Contains("./build/models.sh", error);
    }

    private static void RequireWeights() => Assert.SkipUnless(
        Store.IsInstalled("mtcnn") && File.Exists(Photo), "mtcnn weights are not installed; run ./build/models.sh");

    private static (int Code, string Output, string Error) Run(string cache, params string[] args) =>
        RunCommand(Path.Combine(AppContext.BaseDirectory, "fovea-cli"), args, cache);

    private static (int Code, string Output, string Error) RunCommand(string file, params string[] args) => RunCommand(file, args, null);

    private static (int Code, string Output, string Error) RunCommand(string file, string[] args, string? cache)
    {
        var start = new ProcessStartInfo(file, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (cache is not null) start.Environment["FOVEA_CACHE"] = cache;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
