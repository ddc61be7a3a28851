using System.IO.Compression;

namespace Fovea.Training.Tests;

/// <summary>The checkout that the tests were built in, and the published vectors beside it; tests skip with one line where those are
/// not.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static byte[] Vectors(string name)
    {
        var folder = Environment.GetEnvironmentVariable("FOVEA_CONFORMANCE") ?? Path.Combine(Root, "..", "shared", "conformance");
        var path = Path.Combine(folder, "public_vectors.zip");
        Assert.SkipUnless(File.Exists(path), "public_vectors.zip is not beside the checkout");
        using var archive = ZipFile.OpenRead(path);
        using var entry = archive.GetEntry(name)!.Open();
        using var bytes = new MemoryStream();
        entry.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Runtime.sln"))) return folder.FullName;
        throw new InvalidOperationException("The tests run outside of a checkout.");
    }
}
