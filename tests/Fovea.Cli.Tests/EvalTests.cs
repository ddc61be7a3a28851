using System.Text.Json;
using Fovea.Data.Tests;
using SkiaSharp;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class EvalTests : IDisposable
{
    private const string Coco = """
        {"images":[{"id":1,"file_name":"a.png"},{"id":2,"file_name":"b.png"}],"categories":[{"id":5,"name":"face"}],
        "annotations":[{"image_id":1,"category_id":5,"bbox":[10,5,20,10]},{"image_id":2,"category_id":5,"bbox":[0,0,3,3]}]}
        """;

    private const string Voc = """
        <annotation><filename>a.png</filename>
        <object><name>face</name><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>15</ymax></bndbox></object></annotation>
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-eval-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CocoResultsAsJson()
    {
        var labels = Write("labels.json", Coco);
        var found = Write("found.json", """[{"image_id":1,"category_id":5,"bbox":[10,5,20,10],"score":0.9}]""");
        var result = CliResult.Of(["eval", labels, "--detections", found, "--json"]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using var json = JsonDocument.Parse(Assert.Single(result.Lines));
        Assert.Equal(("coco", 2, 2, 1), (json.RootElement.GetProperty("metric").GetString(), json.RootElement.GetProperty("images").GetInt32(),
            json.RootElement.GetProperty("objects").GetInt32(), json.RootElement.GetProperty("detections").GetInt32()));
        var values = json.RootElement.GetProperty("values");
        Assert.Equal("AP AP50 AP75 APsmall APmedium APlarge AR1 AR10 AR100 ARsmall ARmedium ARlarge",
            string.Join(' ', values.EnumerateObject().Select(v => v.Name)));
        // One of two objects found: 51 of the 101 recalls are reached.
        Assert.Equal(Math.Round(51 / 101.0, 6), values.GetProperty("AP").GetDouble());
        Assert.Equal(0.5, values.GetProperty("AR100").GetDouble());
        Assert.Equal(JsonValueKind.Null, values.GetProperty("APlarge").ValueKind);
        var category = Assert.Single(json.RootElement.GetProperty("categories").EnumerateArray());
        Assert.Equal(("face", values.GetProperty("AP").GetDouble()), (category.GetProperty("name").GetString(), category.GetProperty("AP").GetDouble()));
    }

    [Fact]
    public void ARunningDetectorAndTheLinesOfDetectGiveTheSame()
    {
        // The fake detector's box is the middle half of each image.
        foreach (var name in new[] { "a.png", "b.png" })
            File.WriteAllBytes(Path.Combine(_folder, name), TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        var labels = Write("labels.json", Coco);
        var run = CliResult.Of(["eval", labels, "--model", "mtcnn", "--images", _folder, "--per-category"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("2 images, 2 objects, 2 detections, by the rules of coco\n", run.Out);
        Assert.Contains("| AP50     | 0.5050 |", run.Out);
        Assert.Contains("| face     | 0.5050 |", run.Out);
        Assert.Contains("| APlarge  |      - |", run.Out);

        var lines = CliResult.Of(["detect", "--json", Path.Combine(_folder, "a.png"), Path.Combine(_folder, "b.png")]).Out;
        var file = CliResult.Of(["eval", labels, "--detections", Write("lines.json", lines), "--per-category"]);
        Assert.Equal(run.Out, file.Out);
    }

    [Fact]
    public void ImagesThatCannotBeReadAreNamedAndCountAsEmpty()
    {
        File.WriteAllBytes(Path.Combine(_folder, "a.png"), TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        var result = CliResult.Of(["eval", Write("labels.json", Coco), "--model", "mtcnn", "--images", _folder]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(Path.Combine(_folder, "b.png"), result.Error);
        Assert.Contains("1 detections", result.Out);
    }

    [Fact]
    public void OtherLabelFormatsHaveTheirOwnRules()
    {
        File.WriteAllBytes(Path.Combine(_folder, "a.png"), TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        Write("voc/a.xml", Voc);
        Write("yolo/a.txt", "0 0.5 0.5 0.5 0.5");
        var wider = Write("wider.txt", "a.png\n1\n10 5 20 10\n");
        var names = Write("names.txt", "face\n");
        string[] model = ["--model", "mtcnn", "--images", _folder];
        Assert.Contains("| mAP50  | 1.0000 |", CliResult.Of(["eval", Path.Combine(_folder, "voc"), .. model]).Out);
        Assert.Contains("by the rules of voc2007", CliResult.Of(["eval", Path.Combine(_folder, "voc"), .. model, "--metric", "voc2007"]).Out);
        Assert.Contains("| recall, to 16 px   | 1.0000 |", CliResult.Of(["eval", wider, .. model]).Out);
        Assert.Contains("| AP       | 1.0000 |", CliResult.Of(["eval", Path.Combine(_folder, "yolo"), "--names", names, .. model]).Out);
    }

    [Theory]
    [InlineData("{\"image\":\"c.png\",\"detections\":[]}", "line 1: no image of the labels is 'c.png'")]
    [InlineData("{\"image\":\"a.png\",\"detections\":[{\"label\":\"dog\",\"box\":[1,2,3,4],\"score\":1}]}", "line 1: the labels have no category 'dog'")]
    [InlineData("{\"image\":\"a.png\",\"detections\":[]}\n{\"image\":3}", "line 2: ")]
    [InlineData("{\"image\":\"a.png\"}", "line 1: ")]
    [InlineData("{", "line 1: ")]
    [InlineData("[{\"image_id\":3,\"category_id\":5,\"bbox\":[1,2,3,4],\"score\":1}]", "entry 0 refers to image 3")]
    [InlineData("", "not valid JSON")]
    public void BadDetectionsAreBadUsageWithTheFilesName(string text, string message)
    {
        var found = Write("found.json", text);
        var result = CliResult.Of(["eval", Write("labels.json", Coco), "--detections", found]);
        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith($"fovea: {found}: {message}", result.Error);
        Assert.Empty(result.Out);
    }

    [Fact]
    public void LabelsWithoutTheDetectorsCategoryAreBadUsage()
    {
        File.WriteAllBytes(Path.Combine(_folder, "a.png"), TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        var result = CliResult.Of(["eval", Write("labels.json", Coco.Replace("face", "dog")), "--model", "mtcnn", "--images", _folder]);
        Assert.Equal((2, "fovea: the labels have no category 'face'\n"), (result.ExitCode, result.Error));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
