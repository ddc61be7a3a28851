using System.Security.Cryptography;

namespace Fovea.Data;

/// <summary>
/// The cache folder that <c>build/models.sh</c> and <see cref="ModelFetcher"/> fill. Only reads, so the folder may be read-only; every file's SHA-256 is
/// checked on each use. Thread-safe.
/// </summary>
public sealed class ModelStore
{
    /// <summary>The command that fills the cache at set-up.</summary>
    public const string InstallCommand = "./build/models.sh";

    /// <summary>Opens the cache in <paramref name="folder"/>, by default <see cref="DefaultFolder"/>; it need not exist.</summary>
    public ModelStore(string? folder = null) => Folder = Path.GetFullPath(folder ?? DefaultFolder());

    /// <summary>Absolute path of the cache.</summary>
    public string Folder { get; }

    /// <summary><c>$FOVEA_CACHE</c>, else <c>$XDG_CACHE_HOME/fovea</c>, else <c>~/.cache/fovea</c>.</summary>
    public static string DefaultFolder()
    {
        var folder = Environment.GetEnvironmentVariable("FOVEA_CACHE");
        if (!string.IsNullOrEmpty(folder)) return folder;
        var caches = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        // A relative XDG_CACHE_HOME is to be ignored, says its specification; build/models.sh does the same.
        if (string.IsNullOrEmpty(caches) || caches[0] != '/')
            caches = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(caches, "fovea");
    }

    /// <summary>Where <paramref name="file"/> belongs, whether or not it is there.</summary>
    public string PathOf(CatalogFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Path.Combine(Folder, file.Path);
    }

    /// <summary>Whether all files of <paramref name="model"/> are there with the right size; their content is checked on use.</summary>
    public bool IsInstalled(string model) =>
        ModelCatalog.Get(model).Files.All(f => new FileInfo(PathOf(f)) is { Exists: true } info && info.Length == f.Bytes);

    /// <summary>Whether <paramref name="file"/> is there with the right content.</summary>
    public bool IsGood(CatalogFile file)
    {
        var path = PathOf(file);
        if (new FileInfo(path) is not { Exists: true } info || info.Length != file.Bytes) return false;
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream)) == file.Sha256;
    }

    /// <summary>Reads a file of <paramref name="model"/>, for example ("mtcnn", "pnet.tflite"), and checks its SHA-256.</summary>
    /// <exception cref="ArgumentException">The catalogue has no such model or file.</exception>
    /// <exception cref="ModelNotInstalledException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is not the expected one (truncated, changed).</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public byte[] Read(string model, string file)
    {
        var entry = ModelCatalog.Get(model).Files.FirstOrDefault(f => f.Name == file) ??
            throw new ArgumentException($"model '{model}' has no file '{file}'", nameof(file));
        var path = PathOf(entry);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelNotInstalledException(model, path);
        }
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (hash == entry.Sha256) return bytes;
        throw new InvalidDataException($"{path} is corrupted: its SHA-256 is {hash} ({bytes.Length} bytes), expected {entry.Sha256} " +
            $"({entry.Bytes} bytes); run {ModelCatalog.Get(model).InstallCommand} to replace it");
    }

    /// <summary>Reads and parses a TFLite file of <paramref name="model"/>; throws as <see cref="Read"/> does.</summary>
    public TfliteModel LoadTflite(string model, string file) => TfliteModel.Parse(Read(model, file), $"{model}/{file}");

    /// <summary>Reads and parses a TensorFlow.js model of the catalogue and its shards; throws as <see cref="Read"/> does.</summary>
    public TfjsWeights LoadTfjs(string model, string file) => TfjsWeights.Parse(Read(model, file), $"{model}/{file}", shard => Read(model, shard));
}
