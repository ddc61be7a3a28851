namespace Fovea.Models.Ssd;

/// <summary>The anchors of SSD (Liu et al., "SSD: Single Shot MultiBox Detector", 2016) as TensorFlow's detection models lay them out: every
/// map has its own scale, a share of the image, and each of its cells the same shapes around its middle.</summary>
public static class SsdAnchors
{
    private const float LeastScale = 0.2f, GreatestScale = 0.95f;

    // Side of the small square that the finest map has instead of wide shapes and the one between two scales.
    private const float FinestSquare = 0.1f;

    // Width over height. The last is the third that the networks were trained with, rounded as the configuration has it.
    private static readonly float[] Ratios = [1, 2, 0.5f, 3, 0.3333f];

    /// <summary>Anchors of a cell: 3 on the finest map, 6 on all others.</summary>
    public static int PerCell(int level) => level == 0 ? 3 : Ratios.Length + 1;

    /// <summary>Number of anchors on square maps with these sides, finest first.</summary>
    public static int Count(ReadOnlySpan<int> sides)
    {
        int count = 0;
        for (int level = 0; level < sides.Length; level++) count += sides[level] * sides[level] * PerCell(level);
        return count;
    }

    /// <summary>The anchors: rows of left, top, right, bottom as shares of the image, which those at the border exceed. Order: map, row,
    /// column, shape.</summary>
    public static float[] Boxes(ReadOnlySpan<int> sides)
    {
        var boxes = new List<float>(4 * Count(sides));
        for (int level = 0; level < sides.Length; level++)
        {
            var shapes = Shapes(level, sides.Length);
            int side = sides[level];
            for (int cell = 0; cell < side * side; cell++)
            {
                double x = (cell % side + 0.5) / side, y = (cell / side + 0.5) / side;
                foreach (var (width, height) in shapes)
                    boxes.AddRange((float)(x - width / 2), (float)(y - height / 2), (float)(x + width / 2), (float)(y + height / 2));
            }
        }

        return [.. boxes];
    }

    private static (double Width, double Height)[] Shapes(int level, int levels)
    {
        double scale = Scale(level, levels);
        return level == 0
            ? [Shape(FinestSquare, 1), Shape(scale, 2), Shape(scale, 0.5)]
            // The last one is a square between this scale and the next.
            : [.. Ratios.Select(r => Shape(scale, r)), Shape(Math.Sqrt(scale * Scale(level + 1, levels)), 1)];
    }

    private static double Scale(int level, int levels) =>
        level == levels ? 1 : LeastScale + (GreatestScale - LeastScale) * level / (levels - 1.0);

    private static (double Width, double Height) Shape(double scale, double ratio) => (scale * Math.Sqrt(ratio), scale / Math.Sqrt(ratio));
}
