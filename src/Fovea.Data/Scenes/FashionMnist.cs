namespace Fovea.Data;

/// <summary>Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 60,000 and 10,000 grey pictures of clothes, 28 by 28 pixels. The files come from
/// Debian's package dataset-fashion-mnist: installed, or in the cache by <c>fovea models fetch fashion-mnist</c>.</summary>
public static class FashionMnist
{
    /// <summary>Name in the catalogue.</summary>
    public const string Name = "fashion-mnist";

    /// <summary>Where the Debian package puts its files.</summary>
    public const string SystemFolder = "/usr/share/datasets/fashion-mnist";

    /// <summary>The ten classes.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
        ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>Whether the files are in the cache or installed.</summary>
    public static bool IsInstalled(ModelStore? store = null) =>
        (store ?? new ModelStore()).IsInstalled(Name) || ModelCatalog.Get(Name).Files.All(f => File.Exists(Path.Combine(SystemFolder, f.Name)));

    /// <summary>Reads the pictures for training or those for tests.</summary>
    /// <param name="isTest">Whether the 10,000 for tests are wanted.</param>
    /// <param name="store">The cache; null for the usual one. Files of the system are taken where it has none.</param>
    /// <exception cref="ModelNotInstalledException">The files are neither in the cache nor installed.</exception>
    /// <exception cref="InvalidDataException">A file of the cache is not the expected one.</exception>
    /// <exception cref="IdxFormatException">An installed file is damaged.</exception>
    public static ItemImages Open(bool isTest = false, ModelStore? store = null)
    {
        store ??= new ModelStore();
        var part = isTest ? "t10k" : "train";
        return new ItemImages(Load(store, $"{part}-images-idx3-ubyte.gz"), Load(store, $"{part}-labels-idx1-ubyte.gz"), ClassNames, $"{Name} {part}");
    }

    private static IdxFile Load(ModelStore store, string file)
    {
        var installed = Path.Combine(SystemFolder, file);
        if (!store.IsInstalled(Name) && File.Exists(installed)) return IdxFile.Read(installed);
        return IdxFile.Parse(store.Read(Name, file), file);
    }
}
