using System.Text.Json;
using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Eval;

/// <summary>Reads what <c>fovea detect --json</c> wrote. An image belongs to the label set's image whose file name its path ends with, a
/// label to the category of that name.</summary>
internal static class DetectionLines
{
    /// <exception cref="AnnotationFormatException">A line is not what detect writes, or names an image or label that the set lacks.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    internal static ScoredBox[] Read(string path, AnnotatedDataset dataset)
    {
        var images = dataset.Images.Select((image, index) => (image.FileName, index)).ToLookup(i => Path.GetFileName(i.FileName));
        var boxes = new List<ScoredBox>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                var name = json.RootElement.GetProperty("image").GetString()!.Replace('\\', '/');
                var matches = images[Path.GetFileName(name)].Where(i => EndsWith(name, i.FileName)).ToArray();
                if (matches.Length != 1) throw new FormatException($"{(matches.Length == 0 ? "no image" : "more than one image")} of the labels is '{name}'");
                foreach (var detection in json.RootElement.GetProperty("detections").EnumerateArray())
                {
                    var box = detection.GetProperty("box");
                    boxes.Add(new ScoredBox(matches[0].index, dataset.CategoryNamed(detection.GetProperty("label").GetString()!),
                        BoxXywh.FromCorners(box[0].GetDouble(), box[1].GetDouble(), box[2].GetDouble(), box[3].GetDouble()),
                        detection.GetProperty("score").GetDouble()));
                }
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException or FormatException or NullReferenceException)
            {
                throw new AnnotationFormatException(path, $"line {number}: {e.Message}", e);
            }
        }
        return [.. boxes];
    }

    private static bool EndsWith(string path, string name) =>
        path.EndsWith(name, StringComparison.Ordinal) && (path.Length == name.Length || path[^(name.Length + 1)] == '/');

    /// <summary>Index of the category of this name.</summary>
    /// <exception cref="FormatException">The set has none.</exception>
    internal static int CategoryNamed(this AnnotatedDataset dataset, string name)
    {
        for (var i = 0; i < dataset.Categories.Count; i++)
            if (dataset.Categories[i].Name == name) return i;
        throw new FormatException($"the labels have no category '{name}'");
    }
}
