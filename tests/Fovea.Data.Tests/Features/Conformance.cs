using System.IO.Compression;
using System.Text.Json;
using Xunit;

namespace Fovea.Data.Tests;

/// <summary>Published vectors, from FOVEA_CONFORMANCE or beside the checkout; tests skip with one line where they are absent.</summary>
internal static class Conformance
{
    public static JsonElement Read(string entry)
    {
        var path = Path.Combine(Folder(), "public_vectors.zip");
        Assert.SkipUnless(File.Exists(path), "public_vectors.zip is neither in FOVEA_CONFORMANCE nor beside the checkout");
        using var archive = ZipFile.OpenRead(path);
        using var stream = archive.GetEntry(entry)!.Open();
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private static string Folder()
    {
        if (Environment.GetEnvironmentVariable("FOVEA_CONFORMANCE") is { Length: > 0 } folder) return folder;
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory != null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Runtime.sln")))
                return Path.Combine(directory.FullName, "..", "shared", "conformance");
        return "";
    }
}
