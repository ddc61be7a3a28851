using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Fovea.Detection.Evaluation;

/// <summary>Reads PASCAL VOC's XML annotations, one file per image. Entities and document types are refused.</summary>
/// <remarks>VOC names a box by its outermost pixels, counted from 1. Boxes come out by real edges counted from 0, as all detectors here
/// write them: the pixels 1 to 3 are the box from 0 to 3. Overlaps are then those of VOC's own "+1" tools.</remarks>
public static class VocXml
{
    // Real files have a few kilobytes.
    private const long MaxCharacters = 1 << 22;

    // Real files need 5. The document's tree takes time quadratic in the depth, so this is checked before it is built.
    private const int MaxDepth = 16;

    /// <summary>Reads the annotations of a folder, such as <c>VOC2007/Annotations</c>. Images get ids from 1, categories their sorted
    /// names.</summary>
    /// <param name="folder">Folder with one XML file per image.</param>
    /// <param name="imageSet">A list of names without extension, one a line, such as <c>ImageSets/Main/test.txt</c>; null for every file.</param>
    /// <exception cref="AnnotationFormatException">A file is not a well-formed annotation.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AnnotatedDataset ReadFolder(string folder, string? imageSet = null)
    {
        IEnumerable<string> files = imageSet is null
            ? Directory.EnumerateFiles(folder, "*.xml").Order(StringComparer.Ordinal)
            : File.ReadLines(imageSet).Select(l => l.Split(' ', 2)[0]).Where(n => n.Length > 0).Select(n => Path.Combine(folder, n + ".xml"));
        var images = new List<AnnotatedImage>();
        var objects = new List<(int Image, string Name, BoxXywh Box, bool Difficult)>();
        foreach (string file in files)
        {
            using var stream = File.OpenRead(file);
            images.Add(ReadImage(stream, file, images.Count, objects));
        }
        string[] names = [.. objects.Select(o => o.Name).Distinct().Order(StringComparer.Ordinal)];
        return new AnnotatedDataset(images, names.Select((n, i) => new ObjectCategory(i + 1, n)), objects.Select(o =>
            new AnnotatedObject(o.Image, Array.BinarySearch(names, o.Name, StringComparer.Ordinal), o.Box) { IsIgnored = o.Difficult }));
    }

    private static AnnotatedImage ReadImage(Stream stream, string file, int index, List<(int Image, string Name, BoxXywh Box, bool Difficult)> objects)
    {
        try
        {
            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxCharacters };
            using (var scan = XmlReader.Create(stream, settings))
                while (scan.Read())
                    if (scan.Depth > MaxDepth) throw new FormatException($"elements more than {MaxDepth} deep");
            stream.Position = 0;
            using var reader = XmlReader.Create(stream, settings);
            var root = XDocument.Load(reader).Root!;
            // Parts of an object have boxes too, but of their own element.
            foreach (var element in root.Elements("object"))
            {
                var box = Child(element, "bndbox");
                var (x1, y1, x2, y2) = (Number(box, "xmin"), Number(box, "ymin"), Number(box, "xmax"), Number(box, "ymax"));
                var edges = BoxXywh.FromCorners(x1 - 1, y1 - 1, x2, y2);
                if (!edges.IsValid) throw new FormatException($"an impossible box from ({x1}, {y1}) to ({x2}, {y2})");
                objects.Add((index, Child(element, "name").Value.Trim(), edges, element.Element("difficult") is not null && Number(element, "difficult") != 0));
            }
            var size = root.Element("size");
            return new AnnotatedImage(index + 1, root.Element("filename")?.Value.Trim() ?? Path.GetFileNameWithoutExtension(file),
                size is null ? 0 : Side(size, "width"), size is null ? 0 : Side(size, "height"));
        }
        catch (Exception e) when (e is XmlException or FormatException)
        {
            throw new AnnotationFormatException(file, $"not a VOC annotation: {e.Message}", e);
        }
    }

    private static XElement Child(XElement element, string child) =>
        element.Element(child) ?? throw new FormatException($"<{element.Name}> has no <{child}>");

    private static double Number(XElement element, string child) =>
        double.TryParse(Child(element, child).Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value : throw new FormatException($"<{child}> is not a finite number");

    private static int Side(XElement size, string child) =>
        Number(size, child) is var value and >= 0 and <= int.MaxValue ? (int)value : throw new FormatException($"<{child}> is not a size");
}
