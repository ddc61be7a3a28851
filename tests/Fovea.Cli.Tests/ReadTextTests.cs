using System.Text.Json;
using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class ReadTextTests
{
    [Fact]
    public void MissingWeightsNameTheCommand()
    {
        var result = CliResult.Of(["read-text", "a.png"], store: new ModelStore(Path.Combine(Path.GetTempPath(), "fovea-never-created")));
        Assert.Equal((3, ""), (result.ExitCode, result.Out));
        Assert.Contains("run fovea models fetch ppocr-v4-rec", result.Error);
    }

    // An empty page has no text; a picture that cannot be read does not keep the others from being read.
    [Fact]
    public void EachPictureIsReadOrNamed()
    {
        Assert.SkipUnless(new ModelStore().IsInstalled("ppocr-v4-rec"), "ppocr-v4-rec is not installed; run fovea models fetch ppocr-v4-rec");
        var folder = Directory.CreateTempSubdirectory("fovea-read-text");
        try
        {
            string page = Save("page.png", 100, 30), wide = Save("wide.png", 1000, 2), none = Path.Combine(folder.FullName, "none.png");
            var plain = CliResult.Of(["read-text", none, wide, page]);
            Assert.Equal((1, $"{page}\t0.0000\t\n"), (plain.ExitCode, plain.Out));
            Assert.Contains("none.png", plain.Error);
            Assert.Contains($"{wide}: 1000x2 is too wide for one line of text", plain.Error);

            var json = CliResult.Of(["read-text", page, "--json"]);
            Assert.Equal((0, ""), (json.ExitCode, json.Error));
            using var line = JsonDocument.Parse(json.Lines.Single());
            Assert.Equal((page, "", 0.0), (
                line.RootElement.GetProperty("file").GetString(),
                line.RootElement.GetProperty("text").GetString(),
                line.RootElement.GetProperty("confidence").GetDouble()));
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        string Save(string name, int width, int height)
        {
            var image = new RgbImage(width, height);
            image.Pixels.Span.Fill(255);
            var path = Path.Combine(folder.FullName, name);
            ImageFile.Save(path, image);
            return path;
        }
    }
}
