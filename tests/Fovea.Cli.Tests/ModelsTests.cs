using Fovea.Data;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class ModelsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-models-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ListsEveryModelWithItsState()
    {
        var result = Run("list");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var model in ModelCatalog.Models)
        {
            var line = Assert.Single(result.Lines, l => l.StartsWith($"| {model.Name} ", StringComparison.Ordinal));
            Assert.Contains("not installed", line);
            Assert.Contains(model.InstallCommand, line);
        }
        Assert.Equal($"cache: {_folder}", result.Lines[^1]);
    }

    [Fact]
    public void VerifyNamesMissingAndDamagedFiles()
    {
        // Nothing is installed, so there is nothing to verify.
        Assert.Equal(0, Run("verify").ExitCode);
        Directory.CreateDirectory(Path.Combine(_folder, "models", "mtcnn"));
        File.WriteAllBytes(Path.Combine(_folder, "models", "mtcnn", "pnet.tflite"), new byte[10]);
        var result = Run("verify");
        Assert.Equal((3, ""), (result.ExitCode, result.Out));
        Assert.Contains("pnet.tflite is corrupted", result.Error);
        Assert.Contains("rnet.tflite does not exist", result.Error);
        Assert.DoesNotContain("centernet", result.Error);
        Assert.Contains("run fovea models fetch centernet", Run("verify", "centernet").Error);
    }

    [Fact]
    public void WhatIsInstalledIsVerifiedAndNotFetchedAgain()
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled("mtcnn"), "mtcnn weights are not installed; run ./build/models.sh");
        var verified = CliResult.Of(["models", "verify", "mtcnn"], store: store);
        Assert.Equal((0, ""), (verified.ExitCode, verified.Error));
        Assert.Equal(["models/mtcnn/pnet.tflite: ok", "models/mtcnn/rnet.tflite: ok", "models/mtcnn/onet.tflite: ok"], verified.Lines);
        var fetched = CliResult.Of(["models", "fetch", "mtcnn", "mtcnn"], store: store);
        Assert.Equal((0, ""), (fetched.ExitCode, fetched.Error));
        Assert.StartsWith("mtcnn: complete.", Assert.Single(fetched.Lines));
    }

    [Fact]
    public void LicencesAreSaidForOneOrAll()
    {
        Assert.StartsWith("mtcnn: The package", Assert.Single(Run("licence", "mtcnn").Lines));
        Assert.Equal(ModelCatalog.Models.Count, Run("licence").Lines.Length);
    }

    private CliResult Run(params string[] args) => CliResult.Of(["models", .. args], store: new ModelStore(_folder));
}
