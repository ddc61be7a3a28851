using System.Globalization;

namespace Fovea.Data;

/// <summary>The pretrained models, data sets and sample photos known to Fovea; the files are listed in <c>Models/packages.tsv</c>.</summary>
public static class ModelCatalog
{
    private static readonly Lazy<IReadOnlyList<CatalogFile>> AllFiles = new(ReadTable);

    private static readonly Lazy<CatalogModel[]> AllModels = new(() =>
    [
        new CatalogModel("mtcnn",
            "The package that carries them states MIT in its package.json, without a licence file and without naming the " +
            "weights' origin; they look like the MTCNN weights of the facenet project.", Under("models/mtcnn/")),
        new CatalogModel("blazeface", "Apache-2.0 (package and MediaPipe, which trained them).", Under("models/blazeface/")),
        new CatalogModel("blazeface-back",
            "Apache-2.0 upstream (MediaPipe); the package that carries the conversion is MIT.", Under("models/blazeface-back/")),
        new CatalogModel("tiny-yolov2-face", "MIT (package; weights trained by the author of face-api.js).", Under("models/tiny-yolov2-face/")),
        new CatalogModel("ssd-mobilenetv2",
            "Apache-2.0 (package; the MediaPipe object detector trained on Open Images).", Under("models/ssd-mobilenetv2/")),
        new CatalogModel("centernet",
            "The package is MIT; it names github.com/610265158/mobilenetv3_centernet as the origin, whose licence of the weights is not stated.",
            Under("models/centernet/")),
        new CatalogModel("nanodet", "Apache-2.0 upstream (RangiLyu/nanodet); the package that carries the conversion is MIT.", Under("models/nanodet/")),
        new CatalogModel("handtrack",
            "The package is MIT; it names github.com/victordibia/handtracking as the origin, whose licence of the weights is not stated.",
            Under("models/handtrack/")),
        new CatalogModel("faceboxes", "The package is MIT; the origin and licence of the weights are not stated.", Under("models/faceboxes/")),
        new CatalogModel("silero-vad", "MIT (Silero Team, who trained the weights); the package that carries them is ISC.", Under("models/silero-vad/")),
        new CatalogModel("ppocr-v4-rec",
            "Apache-2.0 upstream (PaddleOCR, which trained the weights); the package that carries the conversion is MIT.",
            Under("models/ppocr-v4-rec/")),
        new CatalogModel("use-lite",
            "The package is Apache-2.0; it carries the Universal Sentence Encoder Lite, trained by Google.", Under("models/use-lite/")),
        new CatalogModel(FashionMnist.Name, "MIT (Zalando SE); a data set, not weights.", Under("datasets/fashion-mnist/")),
    ]);

    /// <summary>Every file of the table: weights, data sets and photos.</summary>
    public static IReadOnlyList<CatalogFile> Files => AllFiles.Value;

    /// <summary>All models and data sets.</summary>
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
            files.Add(new CatalogFile(
                cells[0], cells[1], cells[2], cells[3], long.Parse(cells[4], CultureInfo.InvariantCulture), cells[5], cells[6] == "on-demand"));
        }
        return files;
    }
}
