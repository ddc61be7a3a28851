using Fovea.Data;

namespace Fovea.Detection.Evaluation;

/// <summary>Reads YOLO's text labels: beside each image "name.jpg" a file "name.txt" with lines "class cx cy width height", where the class
/// counts from 0 and the rest are parts of the image's size.</summary>
public static class YoloText
{
    private static readonly string[] ImageExtensions = [".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"];

    /// <summary>Reads the labels of all images of a folder; sizes come from the images' headers. An image without a label file has no
    /// objects. Images get ids from 1 in the order of their names; the categories' ids are the class numbers.</summary>
    /// <param name="images">Folder with the images.</param>
    /// <param name="labels">Folder with the label files; may be the same one.</param>
    /// <param name="categories">Name of each class.</param>
    /// <exception cref="AnnotationFormatException">A line is not what it should be.</exception>
    /// <exception cref="ImageFormatException">An image cannot be used.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AnnotatedDataset ReadFolder(string images, string labels, IReadOnlyList<string> categories)
    {
        ArgumentNullException.ThrowIfNull(categories);
        var entries = new List<AnnotatedImage>();
        var objects = new List<AnnotatedObject>();
        foreach (string file in Directory.EnumerateFiles(images).Order(StringComparer.Ordinal))
        {
            if (!ImageExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)) continue;
            var size = ImageFile.ReadSize(file);
            string label = Path.Combine(labels, Path.GetFileNameWithoutExtension(file) + ".txt");
            if (File.Exists(label)) ReadLabels(label, entries.Count, size, categories.Count, objects);
            entries.Add(new AnnotatedImage(entries.Count + 1, Path.GetFileName(file), size.Width, size.Height));
        }
        return new AnnotatedDataset(entries, categories.Select((name, i) => new ObjectCategory(i, name)), objects);
    }

    private static void ReadLabels(string path, int image, ImageSize size, int classes, List<AnnotatedObject> objects)
    {
        Span<double> fields = stackalloc double[5];
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (TextFields.Parse(line, fields) != 5) throw new AnnotationFormatException(path, $"line {number}: expected 5 numbers");
            if (fields[0] != Math.Floor(fields[0]) || !(fields[0] >= 0 && fields[0] < classes))
                throw new AnnotationFormatException(path, $"line {number}: class {fields[0]} of {classes}");
            var (width, height) = (fields[3] * size.Width, fields[4] * size.Height);
            var box = new BoxXywh(fields[1] * size.Width - width / 2, fields[2] * size.Height - height / 2, width, height);
            if (!box.IsValid) throw new AnnotationFormatException(path, $"line {number}: an impossible box");
            objects.Add(new AnnotatedObject(image, (int)fields[0], box));
        }
    }
}
