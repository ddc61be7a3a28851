using Xunit;

namespace Fovea.Data.Tests;

public sealed class ModelStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-store-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CatalogIsComplete()
    {
        Assert.Equal(ModelCatalog.Files.Count, ModelCatalog.Models.Sum(m => m.Files.Count) + ModelCatalog.Images.Count);
        Assert.Equal(ModelCatalog.Files.Count, ModelCatalog.Files.Select(f => f.Path).Distinct().Count());
        Assert.All(ModelCatalog.Models, m => Assert.NotEmpty(m.Files));
        Assert.Equal(["mtcnn", "blazeface", "tiny-yolov2-face"], ModelCatalog.Models.Where(m => !m.IsOnDemand).Select(m => m.Name));
        // What set-up brings stays small; the rest is fetched by name.
        Assert.InRange(ModelCatalog.Files.Where(f => !f.IsOnDemand).Sum(f => f.Bytes), 1, 6_000_000);
        Assert.Equal(["pnet.tflite", "rnet.tflite", "onet.tflite"], ModelCatalog.Get("mtcnn").Files.Select(f => f.Name));
        Assert.Equal(4, ModelCatalog.Images.Count);
        Assert.All(ModelCatalog.Files, f =>
        {
            Assert.Matches("^[0-9a-f]{64}$", f.Sha256);
            Assert.Matches("^(models|datasets|images)/[a-z0-9/._-]+$", f.Path);
            Assert.True(f.Bytes > 0);
        });
        Assert.Contains("known: mtcnn", Assert.Throws<ArgumentException>(() => ModelCatalog.Get("yolo")).Message);
    }

    [Fact]
    public void MissingWeightsNameTheCommand()
    {
        var store = new ModelStore(Path.Combine(_folder, "never-created"));
        Assert.False(store.IsInstalled("mtcnn"));
        var error = Assert.ThrowsAny<FileNotFoundException>(() => store.Read("mtcnn", "pnet.tflite"));
        Assert.IsType<ModelNotInstalledException>(error);
        Assert.Contains("./build/models.sh", error.Message);
        Assert.Contains(store.PathOf(ModelCatalog.Get("mtcnn").Files[0]), error.Message);
        Assert.EndsWith("run fovea models fetch nanodet", Assert.ThrowsAny<FileNotFoundException>(() => store.Read("nanodet", "nanodet.bin")).Message);
        Assert.False(Directory.Exists(store.Folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(32352)]
    [InlineData(100)]
    public void CorruptedWeightsNameFileAndBothHashes(int bytes)
    {
        var store = new ModelStore(_folder);
        var file = ModelCatalog.Get("mtcnn").Files[0];
        Directory.CreateDirectory(Path.GetDirectoryName(store.PathOf(file))!);
        File.WriteAllBytes(store.PathOf(file), new byte[bytes]);
        var error = Assert.Throws<InvalidDataException>(() => store.LoadTflite("mtcnn", "pnet.tflite"));
        Assert.Contains(store.PathOf(file), error.Message);
        Assert.Contains(file.Sha256, error.Message);
        Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(new byte[bytes])), error.Message);
        Assert.Contains("./build/models.sh", error.Message);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void ReadsFromAReadOnlyFolder()
    {
        var installed = new ModelStore();
        Assert.SkipUnless(installed.IsInstalled("mtcnn"), "mtcnn weights are not installed; run ./build/models.sh");
        var store = new ModelStore(_folder);
        var file = ModelCatalog.Get("mtcnn").Files[0];
        var folder = Directory.CreateDirectory(Path.GetDirectoryName(store.PathOf(file))!);
        File.Copy(installed.PathOf(file), store.PathOf(file));
        File.SetUnixFileMode(store.PathOf(file), UnixFileMode.UserRead);
        File.SetUnixFileMode(folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.Equal(file.Bytes, store.Read("mtcnn", "pnet.tflite").Length);
        }
        finally
        {
            File.SetUnixFileMode(folder.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void UnknownNamesAreRefused()
    {
        Assert.Throws<ArgumentException>(() => new ModelStore(_folder).Read("mtcnn", "qnet.tflite"));
        Assert.Throws<ArgumentException>(() => new ModelStore(_folder).Read("other", "pnet.tflite"));
    }
}
