using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class ModelFetcherTests : IDisposable
{
    private static readonly byte[] First = [1, 2, 3, 4, 5], Second = [6, 7];

    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-fetch-").FullName;
    private readonly List<string> _downloads = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void BringsEachPackageOnceAndLeavesGoodFilesAlone()
    {
        var (store, fetcher) = Create(("package/a.bin", First), ("package/other", [9]), ("package/dir/b.bin", Second));
        CatalogFile[] files = [Entry("models/m/a.bin", "package/a.bin", First), Entry("models/m/b.bin", "package/dir/b.bin", Second)];
        var steps = new List<string>();
        fetcher.Fetch(files, steps.Add);
        Assert.Equal(["downloading pack@1.0", "installed models/m/a.bin", "installed models/m/b.bin"], steps);
        Assert.Equal(First, File.ReadAllBytes(store.PathOf(files[0])));
        Assert.Equal(Second, File.ReadAllBytes(store.PathOf(files[1])));

        fetcher.Fetch(files);
        Assert.Single(_downloads);
        // The size is right, the content is not.
        File.WriteAllBytes(store.PathOf(files[1]), [6, 8]);
        fetcher.Fetch(files);
        Assert.Equal(2, _downloads.Count);
        Assert.Equal(Second, File.ReadAllBytes(store.PathOf(files[1])));
        Assert.Equal(["models"], Directory.EnumerateFileSystemEntries(store.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void WrongFilesAreRefusedAndGoodOnesStay()
    {
        var (store, fetcher) = Create(("package/a.bin", First), ("package/b.bin", Second));
        var good = Entry("models/m/a.bin", "package/a.bin", First);
        foreach (var wrong in new[] { new byte[] { 6, 8 }, [6], [6, 7, 8] })
        {
            var error = Assert.Throws<InvalidDataException>(() => fetcher.Fetch([good, Entry("models/m/b.bin", "package/b.bin", wrong)]));
            Assert.Contains("package/b.bin of pack.tgz is not the expected file", error.Message);
        }
        Assert.Contains("does not hold package/c.bin",
            Assert.Throws<InvalidDataException>(() => fetcher.Fetch([Entry("models/m/c.bin", "package/c.bin", First)])).Message);
        Assert.True(store.IsGood(good));
        Assert.Equal(["models"], Directory.EnumerateFileSystemEntries(store.Folder).Select(Path.GetFileName));
    }

    /// <summary>Cuts behind the file itself do no harm; all others are refused, and nothing is left behind.</summary>
    [Fact]
    public void CutArchivesAreRefused()
    {
        var content = new byte[5000];
        new Random(1).NextBytes(content);
        var archive = Pack(("package/a.bin", content));
        var file = Entry("models/m/a.bin", "package/a.bin", content);
        var store = new ModelStore(Path.Combine(_folder, "cache"));
        const int step = 61;
        for (var length = 0; length < archive.Length + step && !store.IsGood(file); length += step)
        {
            var cut = archive[..Math.Min(length, archive.Length)];
            var error = Record.Exception(() => new ModelFetcher(store, (_, folder) => Write(folder, cut)).Fetch([file]));
            Assert.True(store.IsGood(file) ? error is null : error is IOException or InvalidDataException, $"{length} bytes: {error}");
        }
        Assert.True(store.IsGood(file));
        Assert.Equal(["models"], Directory.EnumerateFileSystemEntries(store.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void PackagesOfDebianAreOpened()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/dpkg-deb"), "dpkg-deb is not installed");
        var tree = Path.Combine(_folder, "tree");
        Directory.CreateDirectory(Path.Combine(tree, "DEBIAN"));
        File.WriteAllText(Path.Combine(tree, "DEBIAN", "control"), "Package: pack\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: d\n");
        File.WriteAllBytes(Path.Combine(tree, "a.bin"), First);
        var deb = Path.Combine(_folder, "pack.deb");
        using (var dpkg = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("dpkg-deb", ["-b", tree, deb]) { RedirectStandardOutput = true })!)
            dpkg.WaitForExit();
        var store = new ModelStore(Path.Combine(_folder, "cache"));
        var file = Entry("datasets/d/a.bin", "./a.bin", First);
        string Copy(string folder, int bytes)
        {
            var path = Path.Combine(folder, "pack.deb");
            File.WriteAllBytes(path, File.ReadAllBytes(deb)[..bytes]);
            return path;
        }
        var error = Record.Exception(() => new ModelFetcher(store, (_, folder) => Copy(folder, (int)new FileInfo(deb).Length / 2)).Fetch([file]));
        Assert.True(error is IOException or InvalidDataException, $"{error}");
        new ModelFetcher(store, (_, folder) => Copy(folder, (int)new FileInfo(deb).Length)).Fetch([file]);
        Assert.True(store.IsGood(file));
    }

    private static CatalogFile Entry(string path, string entry, byte[] content) =>
        new(path, "pack", "1.0", entry, content.Length, Convert.ToHexStringLower(SHA256.HashData(content)), IsOnDemand: true);

    private (ModelStore Store, ModelFetcher Fetcher) Create(params (string Name, byte[] Content)[] entries)
    {
        var store = new ModelStore(Path.Combine(_folder, "cache"));
        return (store, new ModelFetcher(store, (spec, folder) =>
        {
            _downloads.Add(spec);
            return Write(folder, Pack(entries));
        }));
    }

    private static string Write(string folder, byte[] archive)
    {
        var path = Path.Combine(folder, "pack.tgz");
        File.WriteAllBytes(path, archive);
        return path;
    }

    private static byte[] Pack(params (string Name, byte[] Content)[] entries)
    {
        using var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest))
        using (var tar = new TarWriter(zip))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "package/a.bin"));
            foreach (var (name, content) in entries)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        }
        return bytes.ToArray();
    }
}
