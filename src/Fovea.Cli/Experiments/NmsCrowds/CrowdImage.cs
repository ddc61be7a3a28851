using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.NmsCrowds;

/// <summary>People in rows, and what a detector without suppression says about them: several shifted boxes for each, and some for
/// nothing.</summary>
/// <param name="Objects">Their boxes.</param>
/// <param name="Boxes">Detections, x1 y1 x2 y2 each.</param>
/// <param name="Scores">Of the detections.</param>
internal sealed record CrowdImage(IReadOnlyList<BoxXywh> Objects, float[] Boxes, float[] Scores)
{
    private const int Rows = 5, PerRow = 5, BoxesPerObject = 6, FalseBoxes = 8;
    private const double Width = 640, RowHeight = 200, ObjectWidth = 40, ObjectHeight = 96;

    /// <summary>Objects of an image.</summary>
    internal const int People = Rows * PerRow;

    /// <summary>Makes an image.</summary>
    /// <param name="random">Where numbers come from.</param>
    /// <param name="overlap">IoU of neighbours, but for some unevenness; 0: they are half a width apart.</param>
    internal static CrowdImage Make(Random random, double overlap)
    {
        // Boxes of a width w that are d apart have the IoU (w - d)/(w + d).
        var distance = overlap > 0 ? ObjectWidth * (1 - overlap) / (1 + overlap) : 1.5 * ObjectWidth;
        List<BoxXywh> objects = [];
        for (var row = 0; row < Rows; row++)
        {
            var x = random.NextDouble() * (Width - PerRow * distance - ObjectWidth);
            for (var i = 0; i < PerRow; i++)
            {
                var (w, h) = (ObjectWidth * Even(random, 0.95, 1.05), ObjectHeight * Even(random, 0.95, 1.05));
                objects.Add(new BoxXywh(x + i * distance * Even(random, 0.98, 1.02), row * RowHeight + 10 * random.NextDouble(), w, h));
            }
        }
        List<float> boxes = [], scores = [];
        foreach (var o in objects)
            for (var i = 0; i < BoxesPerObject; i++)
            {
                var box = Shifted(random, o);
                Add(box, 0.2 + 0.7 * box.Iou(o) + 0.07 * Normal(random));
            }
        for (var i = 0; i < FalseBoxes; i++)
            Add(new BoxXywh(random.NextDouble() * Width, random.NextDouble() * Rows * RowHeight, ObjectWidth, ObjectHeight), Even(random, 0.02, 0.6));
        return new CrowdImage(objects, [.. boxes], [.. scores]);

        void Add(BoxXywh b, double score)
        {
            boxes.AddRange([(float)b.X, (float)b.Y, (float)(b.X + b.Width), (float)(b.Y + b.Height)]);
            scores.Add((float)Math.Clamp(score, 0.01, 0.99));
        }
    }

    private static BoxXywh Shifted(Random random, BoxXywh b)
    {
        var (w, h) = (b.Width * Math.Exp(0.08 * Normal(random)), b.Height * Math.Exp(0.08 * Normal(random)));
        return new BoxXywh(
            b.X + (b.Width - w) / 2 + 0.05 * b.Width * Normal(random), b.Y + (b.Height - h) / 2 + 0.05 * b.Height * Normal(random), w, h);
    }

    private static double Even(Random random, double from, double to) => from + (to - from) * random.NextDouble();

    // Box and Muller, 1958.
    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
