namespace Fovea.Models.Tests;

/// <summary>Files beside the checkout; tests skip with one line where they are not.</summary>
internal static class SharedData
{
    private static readonly string Folder = Path.Combine(FindRepositoryRoot(), "..", "shared");

    internal static string File(params ReadOnlySpan<string> parts)
    {
        var path = Path.Combine([Folder, .. parts]);
        Assert.SkipUnless(System.IO.File.Exists(path), $"{string.Join('/', parts)} is not beside the checkout");
        return path;
    }

    private static string FindRepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory != null; directory = directory.Parent)
            if (System.IO.File.Exists(Path.Combine(directory.FullName, "Runtime.sln"))) return directory.FullName;
        throw new InvalidOperationException("The tests run outside of a checkout.");
    }
}
