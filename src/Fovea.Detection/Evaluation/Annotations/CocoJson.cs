using System.Text.Json;

namespace Fovea.Detection.Evaluation;

/// <summary>Reads COCO's JSON: <c>instances_*.json</c> and lists of results. Files are streamed, masks are skipped, and untrusted files
/// cost memory in proportion to their own size.</summary>
public static class CocoJson
{
    /// <summary>Reads labels from a file.</summary>
    /// <inheritdoc cref="ReadDataset(Stream, string)"/>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static AnnotatedDataset ReadDataset(string path)
    {
        using var stream = File.OpenRead(path);
        return ReadDataset(stream, path);
    }

    /// <summary>Reads labels: images and categories by ascending id, objects in the order of the file. As in the official tool, an object is
    /// ignored exactly where <c>iscrowd</c> is set; where <c>area</c> is left out, the box's area stands in.</summary>
    /// <exception cref="AnnotationFormatException">The JSON is damaged, a member is missing or of the wrong kind, an id occurs twice or is not
    /// defined, a box has a negative side.</exception>
    public static AnnotatedDataset ReadDataset(Stream stream, string name)
    {
        var tokens = new JsonTokens(stream, name);
        var images = new List<AnnotatedImage>();
        var categories = new List<ObjectCategory>();
        var entries = new List<Entry>();
        tokens.Enter(JsonTokenType.StartObject, "the file");
        while (tokens.NextProperty())
        {
            if (tokens.NameIs("images"u8)) ReadArray(tokens, "image", images, ReadImage);
            else if (tokens.NameIs("categories"u8)) ReadArray(tokens, "category", categories, ReadCategory);
            else if (tokens.NameIs("annotations"u8)) ReadArray(tokens, "annotation", entries, ReadEntry);
            else tokens.Skip();
        }
        tokens.Read();
        images.Sort((a, b) => a.Id.CompareTo(b.Id));
        categories.Sort((a, b) => a.Id.CompareTo(b.Id));
        try
        {
            var (imageIndex, categoryIndex) = (IndexById(images.Select(i => i.Id), "image"), IndexById(categories.Select(c => c.Id), "category"));
            return new AnnotatedDataset(images, categories, entries.Select((entry, i) =>
                new AnnotatedObject(Resolve(imageIndex, entry.Image, "image", i), Resolve(categoryIndex, entry.Category, "category", i), entry.Box)
                {
                    Area = entry.Area ?? entry.Box.Area,
                    IsCrowd = entry.IsCrowd,
                }));
        }
        catch (ArgumentException e)
        {
            throw new AnnotationFormatException(name, e.Message, e);
        }
    }

    /// <summary>Reads results from a file.</summary>
    /// <inheritdoc cref="ReadDetections(Stream, string, AnnotatedDataset)"/>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ScoredBox[] ReadDetections(string path, AnnotatedDataset dataset)
    {
        using var stream = File.OpenRead(path);
        return ReadDetections(stream, path, dataset);
    }

    /// <summary>Reads results: an array of <c>{"image_id", "category_id", "bbox": [x, y, width, height], "score"}</c>.</summary>
    /// <exception cref="AnnotationFormatException">The JSON is damaged, a member is missing or of the wrong kind, an image or category is not
    /// in <paramref name="dataset"/>, a box has a negative side.</exception>
    public static ScoredBox[] ReadDetections(Stream stream, string name, AnnotatedDataset dataset)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        var entries = new List<Entry>();
        var tokens = new JsonTokens(stream, name);
        ReadArray(tokens, "detection", entries, ReadEntry);
        tokens.Read();
        try
        {
            var (images, categories) = (IndexById(dataset.Images.Select(i => i.Id), "image"), IndexById(dataset.Categories.Select(c => c.Id), "category"));
            var detections = new ScoredBox[entries.Count];
            for (int i = 0; i < detections.Length; i++)
            {
                double score = entries[i].Score ?? throw new ArgumentException($"entry {i} has no score");
                detections[i] = new ScoredBox(Resolve(images, entries[i].Image, "image", i), Resolve(categories, entries[i].Category, "category", i),
                    entries[i].Box, score);
            }
            return detections;
        }
        catch (ArgumentException e)
        {
            throw new AnnotationFormatException(name, e.Message, e);
        }
    }

    // An annotation or a detection before its ids are looked up: images and categories may follow later in the file.
    private readonly record struct Entry(long Image, long Category, BoxXywh Box, bool IsCrowd, double? Area, double? Score);

    private static void ReadArray<T>(JsonTokens tokens, string what, List<T> items, Func<JsonTokens, T> readItem)
    {
        tokens.Enter(JsonTokenType.StartArray, $"the list of {what} entries");
        while (tokens.NextObject(what)) items.Add(readItem(tokens));
    }

    private static AnnotatedImage ReadImage(JsonTokens tokens)
    {
        long? id = null;
        string file = "";
        long width = 0, height = 0;
        while (tokens.NextProperty())
        {
            if (tokens.NameIs("id"u8)) id = tokens.ReadInteger("id");
            else if (tokens.NameIs("file_name"u8)) file = tokens.ReadString("file_name");
            else if (tokens.NameIs("width"u8)) width = tokens.ReadInteger("width");
            else if (tokens.NameIs("height"u8)) height = tokens.ReadInteger("height");
            else tokens.Skip();
        }
        if (width is < 0 or > int.MaxValue || height is < 0 or > int.MaxValue) throw tokens.Invalid($"an image of {width}x{height} pixels");
        return new AnnotatedImage(id ?? throw tokens.Invalid("an image has no id"), file, (int)width, (int)height);
    }

    private static ObjectCategory ReadCategory(JsonTokens tokens)
    {
        long? id = null;
        string? category = null;
        while (tokens.NextProperty())
        {
            if (tokens.NameIs("id"u8)) id = tokens.ReadInteger("id");
            else if (tokens.NameIs("name"u8)) category = tokens.ReadString("name");
            else tokens.Skip();
        }
        return new ObjectCategory(id ?? throw tokens.Invalid("a category has no id"), category ?? throw tokens.Invalid($"category {id} has no name"));
    }

    private static Entry ReadEntry(JsonTokens tokens)
    {
        long? image = null, category = null;
        BoxXywh? box = null;
        bool crowd = false;
        double? area = null, score = null;
        Span<double> sides = stackalloc double[4];
        while (tokens.NextProperty())
        {
            if (tokens.NameIs("image_id"u8)) image = tokens.ReadInteger("image_id");
            else if (tokens.NameIs("category_id"u8)) category = tokens.ReadInteger("category_id");
            else if (tokens.NameIs("iscrowd"u8)) crowd = tokens.ReadFlag("iscrowd");
            else if (tokens.NameIs("area"u8)) area = tokens.ReadNumber("area");
            else if (tokens.NameIs("score"u8)) score = tokens.ReadNumber("score");
            else if (tokens.NameIs("bbox"u8))
            {
                tokens.ReadNumbers(sides, "bbox");
                box = new BoxXywh(sides[0], sides[1], sides[2], sides[3]);
                if (!box.Value.IsValid) throw tokens.Invalid($"bbox has the size {sides[2]} x {sides[3]}");
            }
            else tokens.Skip();
        }
        return new Entry(image ?? throw tokens.Invalid("an entry has no image_id"), category ?? throw tokens.Invalid("an entry has no category_id"),
            box ?? throw tokens.Invalid("an entry has no bbox"), crowd, area, score);
    }

    private static Dictionary<long, int> IndexById(IEnumerable<long> ids, string what)
    {
        var index = new Dictionary<long, int>();
        foreach (long id in ids)
            if (!index.TryAdd(id, index.Count)) throw new ArgumentException($"{what} {id} occurs twice");
        return index;
    }

    private static int Resolve(Dictionary<long, int> index, long id, string what, int entry) =>
        index.TryGetValue(id, out int at) ? at : throw new ArgumentException($"entry {entry} refers to {what} {id}, which is not defined");
}
