using System.IO.Compression;
using Fovea.Data;

namespace Fovea.Detection.Tests;

/// <summary>Data that tests may use when it is there: oracle tensors beside the checkout, weights and photos brought by
/// <c>build/models.sh</c>. Tests skip with one line where it is not.</summary>
internal static class SharedData
{
    public static readonly string RepositoryRoot = FindRepositoryRoot();

    public static string Oracle(string relative)
    {
        string path = Path.Combine(RepositoryRoot, "..", "shared", "models", "oracle", relative);
        Assert.SkipUnless(Directory.Exists(path), $"oracle data {relative} is not beside the checkout");
        return path;
    }

    /// <summary>A file of the archive of published test vectors.</summary>
    public static byte[] Vectors(string file)
    {
        string path = Path.Combine(RepositoryRoot, "..", "shared", "conformance", "public_vectors.zip");
        Assert.SkipUnless(File.Exists(path), "the archive of test vectors is not beside the checkout");
        using var archive = ZipFile.OpenRead(path);
        using var entry = archive.GetEntry(file)!.Open();
        using var bytes = new MemoryStream();
        entry.CopyTo(bytes);
        return bytes.ToArray();
    }

    public static MtcnnModel Mtcnn(Device? device = null)
    {
        try
        {
            return MtcnnModel.Load(device ?? Device.Cpu, new ModelStore());
        }
        catch (ModelNotInstalledException)
        {
            Assert.Skip("mtcnn weights are not installed; run ./build/models.sh");
            throw;
        }
    }

    public static ModelStore Installed(string model)
    {
        var store = new ModelStore();
        Assert.SkipUnless(store.IsInstalled(model), $"{model} weights are not installed; run {ModelCatalog.Get(model).InstallCommand}");
        return store;
    }

    public static RgbImage Photo(string name)
    {
        string path = Path.Combine(new ModelStore().Folder, "images", name);
        Assert.SkipUnless(File.Exists(path), $"photo {name} is not installed; run ./build/models.sh");
        return ImageFile.LoadRgb(path);
    }

    private static string FindRepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory != null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Runtime.sln"))) return directory.FullName;
        throw new InvalidOperationException("The tests run outside of a checkout.");
    }
}
