using Fovea.Interop;
using Xunit;

namespace Fovea.Tests;

public sealed class ResolverTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void OrderIsUserPathThenFoldersThenPackagesThenSystem()
    {
        var candidates = NativeLibraryResolver.Candidates("/opt/my.so", "/app", "/lib", "/app/").ToList();
        Assert.Equal(
        [
            (NativeLibraryResolver.PathVariable, "/opt/my.so"),
            ("application folder", "/app/libfovea.so"),
            ("application folder", "/lib/libfovea.so"),
            ("package folder", "/app/runtimes/linux-x64/native/libfovea.so"),
            ("package folder", "/lib/runtimes/linux-x64/native/libfovea.so"),
            ("system", "libfovea.so"),
        ], candidates);
    }

    [Fact]
    public void UserPathMayBeAFolder()
    {
        var first = NativeLibraryResolver.Candidates(_folder).First();
        Assert.Equal(Path.Combine(_folder, "libfovea.so"), first.Path);
    }

    [Fact]
    public void EveryFailureIsListedWithItsReason()
    {
        var text = Path.Combine(_folder, "text.so");
        File.WriteAllText(text, new string('x', 5000));
        var handle = NativeLibraryResolver.Load([("a", Path.Combine(_folder, "none.so")), ("b", text), ("c", "libfovea-no-such.so")], out var attempts);
        Assert.Equal(0, handle);
        Assert.Equal(3, attempts.Length);
        Assert.Equal("no such file", attempts[0].Failure);
        Assert.Contains("ELF", attempts[1].Failure, StringComparison.Ordinal);
        Assert.Contains("cannot open shared object file", attempts[2].Failure, StringComparison.Ordinal);
        var message = NativeLibraryResolver.FailureMessage(attempts);
        foreach (var attempt in attempts)
        {
            Assert.Contains(attempt.Path, message, StringComparison.Ordinal);
            Assert.Contains(attempt.Failure!, message, StringComparison.Ordinal);
        }
        Assert.Contains(NativeLibraryResolver.PathVariable, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherLibraryIsRefused()
    {
        var handle = NativeLibraryResolver.Load([("test", "libm.so.6")], out var attempts);
        Assert.Equal(0, handle);
        Assert.Equal("it exports no fovea_abi_version, so it is not Fovea", Assert.Single(attempts).Failure);
    }

    [Fact]
    public void TheFirstThatLoadsWins()
    {
        FoveaRuntime.Describe(); // loads the library
        var path = NativeLibraryResolver.LoadedPath!;
        var handle = NativeLibraryResolver.Load([("first", Path.Combine(_folder, "none.so")), ("second", path), ("third", path)], out var attempts);
        Assert.NotEqual(0, handle);
        Assert.Equal(2, attempts.Length);
        Assert.Null(attempts[1].Failure);
    }
}
