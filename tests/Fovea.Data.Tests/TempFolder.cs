namespace Fovea.Data.Tests;

/// <summary>A folder that is gone when the test is over.</summary>
internal sealed class TempFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("fovea-data-").FullName;

    internal string Write(string name, byte[] bytes)
    {
        var path = Of(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    internal string Of(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
