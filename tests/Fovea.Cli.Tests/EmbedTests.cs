using System.Globalization;
using System.Text.Json;
using Fovea.Cli.Commands;
using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class EmbedTests
{
    private static readonly string[] Sentences = ["How old are you?", "What is your age?", "GPU kernels multiply matrices."];

    [Fact]
    public void ArgumentsAndLinesAreRead()
    {
        Assert.Equal(["a", "b"], EmbedCommand.Read(["a", "b"], new StringReader("c")));
        Assert.Equal(["c", "", "d"], EmbedCommand.Read([], new StringReader("c\n\nd\n")));
        Assert.Equal(["a", "c", "d", "b"], EmbedCommand.Read(["a", "-", "b"], new StringReader("c\nd")));
    }

    [Fact]
    public void MissingWeightsNameTheCommand()
    {
        var result = CliResult.Of(["embed", "a"], store: new ModelStore(Path.Combine(Path.GetTempPath(), "fovea-never-created")));
        Assert.Equal((3, ""), (result.ExitCode, result.Out));
        Assert.Contains("run fovea models fetch use-lite", result.Error);
    }

    [Fact]
    public void VectorsAreWritten()
    {
        var plain = Embed();
        Assert.Equal(3, plain.Lines.Length);
        var json = Embed("--json");
        for (var i = 0; i < 3; i++)
        {
            using var line = JsonDocument.Parse(json.Lines[i]);
            Assert.Equal(Sentences[i], line.RootElement.GetProperty("text").GetString());
            var vector = line.RootElement.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray();
            Assert.Equal(512, vector.Length);
            Assert.Equal(1, vector.Sum(v => (double)v * v), 5);
            Assert.Equal(vector, plain.Lines[i].Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture)));
        }
    }

    // The cosine of the first two is that of the original network.
    [Fact]
    public void SimilaritiesAreWritten()
    {
        var rows = Embed("--similarity").Lines.Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        Assert.Equal(["1.000", "0.846"], rows[0][..2]);
        Assert.Equal("0.846", rows[1][0]);
        using var json = JsonDocument.Parse(Embed("--similarity", "--json").Lines.Single());
        Assert.Equal(Sentences, json.RootElement.GetProperty("texts").EnumerateArray().Select(t => t.GetString()));
        var cosine = json.RootElement.GetProperty("similarity")[2][0].GetDouble();
        Assert.Equal(double.Parse(rows[2][0], CultureInfo.InvariantCulture), cosine, 3);
        Assert.InRange(cosine, -0.2, 0.2);
    }

    private static CliResult Embed(params string[] options)
    {
        Assert.SkipUnless(new ModelStore().IsInstalled("use-lite"), "use-lite weights are not installed; run fovea models fetch use-lite");
        var result = CliResult.Of(["embed", .. Sentences, .. options]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result;
    }
}
