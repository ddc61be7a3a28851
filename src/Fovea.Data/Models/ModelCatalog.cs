using System.Globalization;

namespace Fovea.Data;

/// <summary>The pretrained models and sample photos known to Fovea; the files are listed in <c>Models/packages.tsv</c>.</summary>
public static class ModelCatalog
{
    private static readonly Lazy<IReadOnlyList<CatalogFile>> AllFiles = new(ReadTable);

    private static readonly Lazy<CatalogModel[]> AllModels = new(() =>
    [
        new CatalogModel("mtcnn",
            "The package that carries them states MIT in its package.json, without a licence file and without naming the " +
            "weights' origin; they look like the MTCNN weights of the facenet project.", Under("models/mtcnn/")),
    ]);

    /// <summary>Every file of the table: weights and photos.</summary>
    public static IReadOnlyList<CatalogFile> Files => AllFiles.Value;

    /// <summary>All models.</summary>
    public static IReadOnlyList<CatalogModel> Models => AllModels.Value;

    /// <summary>Sample photos (face-api demo pictures, package licence MIT, photographers not stated).</summary>
    public static IReadOnlyList<CatalogFile> Images => Under("images/");

    /// <summary>The model of this name.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that exist.</exception>
    public static CatalogModel Get(string name) =>
        Array.Find(AllModels.Value, m => m.Name == name) ??
        throw new ArgumentException($"unknown model '{name}'; known: {string.Join(", ", AllModels.Value.Select(m => m.Name))}", nameof(name));

    private static CatalogFile[] Under(string prefix) =>
        [.. Files.Where(f => f.Path.StartsWith(prefix, StringComparison.Ordinal))];

    private static List<CatalogFile> ReadTable()
    {
        using var stream = typeof(ModelCatalog).Assembly.GetManifestResourceStream("Fovea.Data.packages.tsv") ??
            throw new InvalidOperationException("the table packages.tsv is not embedded in Fovea.Data");
        using var reader = new StreamReader(stream);
        var files = new List<CatalogFile>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var cells = line.Split('\t');
            files.Add(new CatalogFile(cells[0], cells[1], cells[2], cells[3], long.Parse(cells[4], CultureInfo.InvariantCulture), cells[5]));
        }
        return files;
    }
}
