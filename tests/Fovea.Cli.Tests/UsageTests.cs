using Xunit;

namespace Fovea.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData("", "Required command")]
    [InlineData("nosuch", "'nosuch'")]
    [InlineData("detect", "'IMAGE'")]
    [InlineData("detect a.jpg --nosuch", "'--nosuch'")]
    [InlineData("detect a.jpg --model yolo", "known: mtcnn, ")]
    [InlineData("detect a.jpg --min-face 11", "--min-face: '11' must be at least 12")]
    [InlineData("detect a.jpg --min-face abc", "--min-face: 'abc'")]
    [InlineData("detect a.jpg --threshold 1.01", "--threshold: '1.01' must lie between 0 and 1")]
    [InlineData("detect a.jpg --threshold NaN", "--threshold: 'NaN'")]
    [InlineData("detect a.jpg --threshold 0,5", "--threshold: '0,5'")]
    [InlineData("detect a.jpg --threads 0", "--threads: '0'")]
    [InlineData("detect a.jpg --out picture.tga", "picture.tga")]
    [InlineData("detect a.jpg b.jpg --out /etc/passwd", "is a file")]
    [InlineData("detect a.png --out ./a.png", "overwrite")]
    [InlineData("detect d/a.png b.png --out d", "overwrite")]
    [InlineData("doctor extra", "'extra'")]
    [InlineData("features explain --value a=1", "COLUMNS")]
    [InlineData("features explain c.json", "Give either --value or --record")]
    [InlineData("features explain c.json --value a=1 --record r", "Give either --value or --record")]
    [InlineData("features explain c.json --value a", "'a' is not KEY=VALUE")]
    [InlineData("features explain c.json --record r --index -1", "--index: '-1' must not be negative")]
    [InlineData("speech-segments", "'FILE'")]
    [InlineData("speech-segments a.wav --nosuch", "'--nosuch'")]
    [InlineData("speech-segments a.wav --threshold 2", "must be above 0 and at most 1")]
    [InlineData("read-text", "'FILE'")]
    [InlineData("read-text a.png --nosuch", "'--nosuch'")]
    [InlineData("models", "Required command")]
    [InlineData("models fetch", "'MODEL'")]
    [InlineData("models fetch yolo", "'yolo'")]
    [InlineData("eval --detections b.json", "'LABELS'")]
    [InlineData("eval a.json", "eval needs either --detections or --model")]
    [InlineData("eval a.json --detections b.json --model mtcnn --images .", "eval needs either --detections or --model")]
    [InlineData("eval a.json --model mtcnn", "--model needs --images")]
    [InlineData("eval . --format yolo --detections b.json", "--format yolo needs --names and --images")]
    [InlineData("eval . --names n.txt --detections b.json", "--names needs --images")]
    [InlineData("eval a.json --detections b.json --metric best", "'best'")]
    [InlineData("eval /nosuch/a.json --detections b.json", "/nosuch/a.json")]
    [InlineData("curve", "'LOG'")]
    [InlineData("curve run.csv", "--out")]
    [InlineData("experiment", "Give either the NAME of an experiment or --list")]
    [InlineData("experiment checkpointing --list", "Give either the NAME of an experiment or --list")]
    [InlineData("experiment nosuch", "There is no experiment 'nosuch'. Known: checkpointing")]
    [InlineData("experiment checkpointing --quick --plot /nosuch/plot.png", "/nosuch")]
    [InlineData("bench nosuch", "There is no family 'nosuch'. Known: conv, ")]
    [InlineData("bench replay --threads 0", "--threads: '0' must lie between 1 and 256")]
    [InlineData("bench replay --json", "--json")]
    [InlineData("bench replay --json /nosuch/rows.json", "/nosuch")]
    public void BadUsageIsSaidAndExitsWith2(string line, string message)
    {
        var result = CliResult.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Out);
        Assert.Contains(message, result.Error);
        Assert.StartsWith("fovea: ", result.Error);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("detect --help")]
    [InlineData("doctor --help")]
    [InlineData("bench --help")]
    [InlineData("curve --help")]
    [InlineData("experiment --help")]
    [InlineData("features --help")]
    [InlineData("features explain --help")]
    [InlineData("eval --help")]
    [InlineData("read-text --help")]
    [InlineData("models --help")]
    public void HelpDocumentsTheExitCodes(string line)
    {
        var result = CliResult.Of(line.Split(' '));
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Exit codes:", result.Out);
        foreach (var code in "01234") Assert.Contains($"    {code}  ", result.Out);
        Assert.Empty(result.Error);
    }

    [Fact]
    public void DoctorExaminesEverything()
    {
        var result = CliResult.Of(["doctor"]);
        Assert.Contains("cpu device: ok", result.Out);
        foreach (var name in Device.Names)
        {
            Assert.Contains($"device    {name}: ", result.Out);
            Assert.Contains($"{name} device: ok, {Device.Open(name).Describe().Name} computes", result.Out);
        }
        foreach (var backend in Device.Backends.Where(b => !b.IsUsable)) Assert.Contains($"refused: {backend.RefusalReason}", result.Out);
        foreach (var line in (string[])["driver", "nvrtc"]) Assert.Single(result.Lines, l => l.StartsWith(line.PadRight(10), StringComparison.Ordinal));
        Assert.Contains("image codecs: ok", result.Out);
        Assert.Contains("cache: ", result.Out);
        Assert.Contains("weights of mtcnn: ", result.Out);
        // 3 where the weights were not brought.
        Assert.Contains(result.ExitCode, new[] { 0, 3 });
    }
}
