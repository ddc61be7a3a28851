using System.Text.Json;
using Fovea.Cli.Detectors;
using Fovea.Cli.Drawing;
using Fovea.Data;
using Fovea.Data.Tests;
using SkiaSharp;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class DetectTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void JsonHasExactlyTheDocumentedShape()
    {
        var path = Write("photo [1] \"ä\".png", TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        var result = CliResult.Of(["detect", "--json", path, path, "--threshold", "0.5"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Equal(2, result.Lines.Length);
        foreach (var line in result.Lines)
        {
            using var json = JsonDocument.Parse(line);
            Assert.Equal(["image", "width", "height", "model", "milliseconds", "detections"], Names(json.RootElement));
            Assert.Equal(path, json.RootElement.GetProperty("image").GetString());
            Assert.Equal(40, json.RootElement.GetProperty("width").GetInt32());
            Assert.Equal(20, json.RootElement.GetProperty("height").GetInt32());
            Assert.Equal("mtcnn", json.RootElement.GetProperty("model").GetString());
            Assert.True(json.RootElement.GetProperty("milliseconds").GetDouble() >= 0);
            var face = Assert.Single(json.RootElement.GetProperty("detections").EnumerateArray());
            Assert.Equal(["label", "score", "box", "landmarks"], Names(face));
            Assert.Equal("face", face.GetProperty("label").GetString());
            Assert.Equal(0.5f, face.GetProperty("score").GetSingle());
            Assert.Equal([10f, 5f, 30f, 15f], face.GetProperty("box").EnumerateArray().Select(v => v.GetSingle()));
            Assert.Equal(5, face.GetProperty("landmarks").GetArrayLength());
            Assert.All(face.GetProperty("landmarks").EnumerateArray(), p => Assert.Equal(2, p.GetArrayLength()));
        }
    }

    [Fact]
    public void BadImagesAreNamedAndTheOthersProcessed()
    {
        var jpeg = TestImages.Encode(TestImages.Gradient(200, 100), SKEncodedImageFormat.Jpeg);
        string[] bad =
        [
            Write("text.jpg", "not an image"u8.ToArray()),
            Write("cut.jpg", jpeg[..(jpeg.Length / 2)]),
            Write("empty.png", []),
            Write("refused.png", TestImages.Encode(TestImages.Gradient(666, 2), SKEncodedImageFormat.Png)),
            Path.Combine(_folder, "missing.jpg"),
            _folder,
        ];
        var good = Write("good.jpg", jpeg);
        var result = CliResult.Of(["detect", "--json", .. bad, good]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("good.jpg", Assert.Single(result.Lines));
        var errors = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(bad.Length, errors.Length);
        for (var i = 0; i < bad.Length; i++) Assert.StartsWith($"fovea: {bad[i]}: ", errors[i]);
    }

    [Fact]
    public void UnusualImagesAreAccepted()
    {
        string[] paths =
        [
            Write("1x1.png", TestImages.Encode(TestImages.Gradient(1, 1), SKEncodedImageFormat.Png)),
            Write("20000x1.png", TestImages.Encode(TestImages.Gradient(20000, 1), SKEncodedImageFormat.Png)),
            Write("grey.png", HandmadePng.Build(2, 1, 8, 0, [0, 255])),
            Write("grey16.png", HandmadePng.Build(1, 1, 16, 0, [1, 2])),
            Write("alpha.png", HandmadePng.Build(1, 1, 8, 6, [1, 2, 3, 4])),
            Write("rgb16.png", HandmadePng.Build(1, 1, 16, 2, [1, 2, 3, 4, 5, 6])),
            Write("cmyk.jpg", HandmadeJpeg.Cmyk(10, 20, 30, 40)),
        ];
        var result = CliResult.Of(["detect", "--json", .. paths]);
        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(paths.Length, result.Lines.Length);
    }

    [Fact]
    public void TablesHoldEveryDetectionAndNoControlSequences()
    {
        var path = Write("photo [red].png", TestImages.Encode(TestImages.Gradient(40, 20), SKEncodedImageFormat.Png));
        var result = CliResult.Of(["detect", path]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"{path}: 40x20, 1 face, ", result.Out);
        Assert.Contains("0.987", result.Out);
        Assert.Contains("30.0", result.Out);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public void ManyImagesReportProgressInLines()
    {
        var path = Write("a.png", TestImages.Encode(TestImages.Gradient(4, 4), SKEncodedImageFormat.Png));
        var result = CliResult.Of(["detect", "--json", .. Enumerable.Repeat(path, 25)]);
        Assert.Equal(25, result.Lines.Length);
        Assert.Contains("fovea: 3 of 25 images\n", result.Error);
        Assert.Equal(8, result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.DoesNotContain('\e', result.Out + result.Error);
        Assert.Empty(CliResult.Of(["detect", "--json", path]).Error);
    }

    [Fact]
    public void AnnotatesOneImageIntoAFile()
    {
        var image = TestImages.Gradient(160, 120);
        var path = Write("a.png", TestImages.Encode(image, SKEncodedImageFormat.Png));
        var output = Path.Combine(_folder, "new", "annotated.png");
        Assert.Equal(0, CliResult.Of(["detect", path, "--out", output]).ExitCode);
        var annotated = ImageFile.LoadRgb(output);
        Assert.Equal((160, 120), (annotated.Width, annotated.Height));
        // The box's left edge is at x = 40; the corner of the picture stays as it was.
        Assert.NotEqual(TestImages.Pixel(image, 40, 60), TestImages.Pixel(annotated, 40, 60));
        Assert.Equal(TestImages.Pixel(image, 159, 119), TestImages.Pixel(annotated, 159, 119));
    }

    [Fact]
    public void AnnotatesManyImagesIntoAFolder()
    {
        var png = TestImages.Encode(TestImages.Gradient(60, 40), SKEncodedImageFormat.Png);
        Directory.CreateDirectory(Path.Combine(_folder, "b"));
        string[] paths = [Write("x.png", png), Write("b/x.png", png), Write("y.gif", png)];
        var output = Path.Combine(_folder, "out");
        Assert.Equal(0, CliResult.Of(["detect", .. paths, "--out", output]).ExitCode);
        Assert.Equal(["x-2.png", "x.png", "y.png"], Directory.GetFiles(output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>Boxes in the colour of their class; below them, on a dark plate, the colours with names and counts.</summary>
    [Fact]
    public void ClassesHaveColoursAndALegend()
    {
        DetectedObject Object(int index, float x) => new($"class {index}", 0.5f, x, 40, x + 100, 140, [], index);
        var grey = new RgbImage(400, 300);
        grey.Pixels.Span.Fill(128);
        var drawn = Annotator.Draw(grey, [Object(3, 20), Object(3, 140), Object(4, 260)]);
        Assert.Equal(Colour(3), TestImages.Pixel(drawn, 20, 100));
        Assert.Equal(Colour(3), TestImages.Pixel(drawn, 140, 100));
        Assert.Equal(Colour(4), TestImages.Pixel(drawn, 260, 100));
        // The more frequent class stands first: marks of 12 pixels from x = 8 on base lines 22 apart, the last 13 above the lower edge.
        Assert.Equal(Colour(3), TestImages.Pixel(drawn, 14, 300 - 8 - 22 - 11));
        Assert.Equal(Colour(4), TestImages.Pixel(drawn, 14, 300 - 8 - 11));
        Assert.NotEqual(TestImages.Pixel(grey, 3, 250), TestImages.Pixel(drawn, 3, 250));
        // Without classes there is no legend.
        var faces = Annotator.Draw(grey, [Object(3, 20) with { Class = null }]);
        Assert.Equal(TestImages.Pixel(grey, 14, 281), TestImages.Pixel(faces, 14, 281));
        // The 80 classes of COCO have 80 colours, and neighbours differ much.
        Assert.Equal(80, Enumerable.Range(0, 80).Select(Colour).Distinct().Count());
        for (var i = 0; i < 80; i++)
        {
            var (a, b) = (Annotator.ColourOf(i), Annotator.ColourOf(i + 1));
            Assert.True(Math.Abs(a.Red - b.Red) + Math.Abs(a.Green - b.Green) + Math.Abs(a.Blue - b.Blue) > 150, $"{i}: {a}, {b}");
        }

        static (byte, byte, byte) Colour(int index)
        {
            var colour = Annotator.ColourOf(index);
            return (colour.Red, colour.Green, colour.Blue);
        }
    }

    [Fact]
    public void MissingAndCorruptedWeightsExitWith3()
    {
        var path = Write("a.png", TestImages.Encode(TestImages.Gradient(4, 4), SKEncodedImageFormat.Png));
        var store = new ModelStore(Path.Combine(_folder, "cache"));
        var missing = CliResult.Of(["detect", path], o => DetectorCatalog.Create(o, store));
        Assert.Equal(3, missing.ExitCode);
        Assert.Contains("./build/models.sh", missing.Error);
        Assert.Empty(missing.Out);
        Directory.CreateDirectory(Path.Combine(store.Folder, "models", "mtcnn"));
        File.WriteAllBytes(Path.Combine(store.Folder, "models", "mtcnn", "pnet.tflite"), new byte[10]);
        var corrupted = CliResult.Of(["detect", path], o => DetectorCatalog.Create(o, store));
        Assert.Equal(3, corrupted.ExitCode);
        Assert.Contains("pnet.tflite is corrupted", corrupted.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void InternalErrorsExitWith4(bool native)
    {
        var path = Write("a.png", TestImages.Encode(TestImages.Gradient(4, 4), SKEncodedImageFormat.Png));
        Exception cause = native ? new DllNotFoundException("no libfovea") : new NotSupportedException("bug");
        var result = CliResult.Of(["detect", path], _ => throw cause);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains(native ? "native library cannot be used: no libfovea" : "internal error", result.Error);
    }

    [Fact]
    public void AnEmptyFileNameIsBadUsage() => Assert.Equal(2, CliResult.Of(["detect", ""]).ExitCode);

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(p => p.Name)];

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
