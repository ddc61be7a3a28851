using Fovea.Data;
using Fovea.Detection.Assignment;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Pyramids;

namespace Fovea.Cli.Experiments.Ranking;

/// <summary>What one cell of a dense head says about a scene: a box that is more or less off, and evidence for each class that knows nothing
/// of it. How blurred the cell's view of the box is, and how far it lies from the middle, decides about the box.</summary>
/// <param name="Image">Whose cell.</param>
/// <param name="Class">Of the object that holds the cell's point; -1 for the ground.</param>
/// <param name="Box">The cell's box.</param>
/// <param name="Overlap">Its IoU with the object; 0 for the ground.</param>
/// <param name="Centerness">Of the cell's point in the object; 0 for the ground.</param>
/// <param name="Features">What scores are learned from, each about between -2 and 2: evidence for each class, blur as it seems, and how far the
/// point is from the middle of the cell's own box in x and y.</param>
internal sealed record NoisyCell(int Image, int Class, BoxXywh Box, double Overlap, float Centerness, float[] Features)
{
    internal const int Classes = 3, FeatureCount = Classes + 3;
    private const int Stride = 8;

    // Sides move by normal numbers times these shares of the box's size: in general, at full blur, at the edge.
    private const double Steady = 0.015, Blurred = 0.2, OffCentre = 0.07;

    // Evidence is normal around +-1; what the cell sees of its blur is off by a tenth.
    private const double EvidenceNoise = 0.33, BlurNoise = 0.1;

    /// <summary>The cells of stride 8 of a scene.</summary>
    internal static IEnumerable<NoisyCell> Of(IReadOnlyList<LabelledObject> objects, int image, int size, Random random)
    {
        var side = size / Stride;
        var points = AnchorBoxes.Points(side, side, Stride, Stride / 2);
        float[] cells = [.. Enumerable.Range(0, side * side).SelectMany(i => new[] { points[2 * i], points[2 * i + 1], Stride })];
        var assigned = new int[side * side];
        new FcosAssigner { CentreRadius = float.PositiveInfinity }.Assign(cells, [.. objects.SelectMany(o => new[] { o.X1, o.Y1, o.X2, o.Y2 })], assigned);
        for (var i = 0; i < assigned.Length; i++)
            yield return assigned[i] >= 0 ? Positive(objects[assigned[i]], cells[3 * i], cells[3 * i + 1], image, random) : Ground(cells[3 * i], cells[3 * i + 1], image, random);
    }

    private static NoisyCell Positive(LabelledObject o, float x, float y, int image, Random random)
    {
        var (l, t, r, b) = (x - o.X1, y - o.Y1, o.X2 - x, o.Y2 - y);
        var blur = random.NextDouble();
        var offCentre = Math.Max(Math.Abs(r - l) / (r + l), Math.Abs(b - t) / (b + t));
        var noise = Steady + Blurred * blur * blur + OffCentre * offCentre;
        var box = Around(x, y, Moved(l, l + r), Moved(t, t + b), Moved(r, l + r), Moved(b, t + b));
        var overlap = box.Iou(BoxXywh.FromCorners(o.X1, o.Y1, o.X2, o.Y2));
        return new NoisyCell(image, o.Class, box, overlap, FcosAssigner.Centerness(l, t, r, b), See(o.Class, blur, box, x, y, random));

        double Moved(double distance, double length) => Math.Max(0.5, distance + noise * length * Normal(random));
    }

    private static NoisyCell Ground(float x, float y, int image, Random random)
    {
        double Distance() => 4 + 20 * random.NextDouble();
        var box = Around(x, y, Distance(), Distance(), Distance(), Distance());
        return new NoisyCell(image, -1, box, 0, 0, See(-1, random.NextDouble(), box, x, y, random));
    }

    private static float[] See(int label, double blur, BoxXywh box, float x, float y, Random random)
    {
        var features = new float[FeatureCount];
        for (var c = 0; c < Classes; c++) features[c] = (float)((c == label ? 1 : -1) + EvidenceNoise * Normal(random));
        features[Classes] = Spread(blur + BlurNoise * Normal(random));
        features[Classes + 1] = Spread(Math.Abs(2 * (x - box.X) / box.Width - 1));
        features[Classes + 2] = Spread(Math.Abs(2 * (y - box.Y) / box.Height - 1));
        return features;

        // From [0, 1] to about mean 0 and deviation 1.
        static float Spread(double share) => (float)(3.5 * (share - 0.5));
    }

    private static BoxXywh Around(double x, double y, double l, double t, double r, double b) => new(x - l, y - t, l + r, t + b);

    // Box and Muller, 1958.
    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
