using Fovea.Training;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class CurveTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-curve-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void ALogBecomesAPicture()
    {
        string log = Path.Combine(_folder.FullName, "run.csv"), picture = Path.Combine(_folder.FullName, "loss.png");
        using (var writer = new TrainingLog(log))
            for (int i = 1; i <= 50; i++) writer.Write(new StepStatistics(i, 1f / i, 0.1f, 1, 2, 3, 4));
        Assert.Equal(0, CliResult.Of(["curve", log, "--out", picture]).ExitCode);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(picture)[..4]);

        File.AppendAllText(log, "not a step\n");
        var result = CliResult.Of(["curve", log, "--out", picture]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("run.csv, line 52", result.Error, StringComparison.Ordinal);
    }
}
