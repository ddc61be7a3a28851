using System.Globalization;

namespace Fovea.Detection.Evaluation;

/// <summary>Reads WIDER FACE's text annotations, such as <c>wider_face_val_bbx_gt.txt</c>: for each image its name, the number of faces,
/// and per face "x y width height blur expression illumination invalid occlusion pose".</summary>
public static class WiderFaceText
{
    private const int Columns = 10, Invalid = 7;

    /// <summary>Reads labels from a file.</summary>
    /// <inheritdoc cref="Read(TextReader, string)"/>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static AnnotatedDataset Read(string path)
    {
        using var reader = new StreamReader(path);
        return Read(reader, path);
    }

    /// <summary>Reads labels. One category "face"; images get ids from 1; faces marked as invalid or without area are ignored.</summary>
    /// <exception cref="AnnotationFormatException">A line is not what it should be.</exception>
    public static AnnotatedDataset Read(TextReader reader, string name)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var images = new List<AnnotatedImage>();
        var faces = new List<AnnotatedObject>();
        Span<double> fields = stackalloc double[Columns];
        int number = 1;
        string? line = reader.ReadLine();
        while (line is not null)
        {
            string file = line.Trim();
            if (file.Length == 0) throw Bad("the name of an image is missing");
            Advance();
            if (!int.TryParse(line?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int count)) throw Bad("expected the number of faces");
            Advance();
            for (int i = 0; i < count; i++, Advance())
            {
                int found = TextFields.Parse(line, fields);
                if (found < 4) throw Bad($"expected at least 4 and at most {Columns} numbers of a face");
                var box = new BoxXywh(fields[0], fields[1], fields[2], fields[3]);
                if (!box.IsValid) throw Bad("a face has a negative side");
                faces.Add(new AnnotatedObject(images.Count, 0, box) { IsIgnored = box.Area == 0 || (found > Invalid && fields[Invalid] != 0) });
            }
            // Where there is no face, the official files have one line of zeros all the same.
            if (count == 0 && line is not null && TextFields.Parse(line, fields) >= 4) Advance();
            images.Add(new AnnotatedImage(images.Count + 1, file, 0, 0));
        }
        return new AnnotatedDataset(images, [new ObjectCategory(1, "face")], faces);

        void Advance()
        {
            line = reader.ReadLine();
            number++;
        }

        AnnotationFormatException Bad(string problem) => new(name, line is null ? $"the file ends early: {problem}" : $"line {number}: {problem}");
    }
}
