namespace Fovea.Detection.Assignment;

/// <summary>Heat maps that key-point detectors learn (Law and Deng, "CornerNet", 2018; Zhou, Wang, Kraehenbuehl, "Objects as Points", 2019):
/// exactly 1 at a key point, less around it, 0 elsewhere.</summary>
public static class GaussianHeatMap
{
    /// <summary>How far both corners of a box may move so that its IoU with the box itself stays at least <paramref name="minOverlap"/>:
    /// the least of three cases, one corner inside and one outside, both inside, both outside.</summary>
    /// <param name="height">Of the box, in cells.</param>
    /// <param name="width">Of the box, in cells.</param>
    /// <param name="minOverlap">IoU, between 0 and 1 (exclusive).</param>
    /// <param name="rule">Which of the two variants in use.</param>
    public static double Radius(double height, double width, double minOverlap = 0.7, RadiusRule rule = RadiusRule.Corrected)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(height);
        ArgumentOutOfRangeException.ThrowIfNegative(width);
        if (!(minOverlap > 0 && minOverlap < 1)) throw new ArgumentOutOfRangeException(nameof(minOverlap), minOverlap, "an overlap lies between 0 and 1");
        var (sum, area, m) = (height + width, height * width, minOverlap);
        return Math.Min(Math.Min(
            Root(1, sum, area * (1 - m) / (1 + m), sign: -1),
            Root(4, 2 * sum, (1 - m) * area, sign: -1)),
            Root(4 * m, -2 * m * sum, (m - 1) * area, sign: 1));

        // A root of a r^2 - b r + c = 0.
        double Root(double a, double b, double c, int sign)
        {
            var root = Math.Sqrt(b * b - 4 * a * c);
            return rule == RadiusRule.Published ? (b + root) / 2 : (b + sign * root) / (2 * a);
        }
    }

    /// <summary>Raises a map to exp(-(dx^2 + dy^2)/(2 sigma^2)) around a key point, where it is lower: Gaussians of one class do not add up.
    /// sigma is a sixth of the diameter 2r + 1, so no value inside the square of the radius is below exp(-9): the published cut of values
    /// below epsilon never happens.</summary>
    /// <param name="heat">[height][width][classes].</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="classes">Channels of the map.</param>
    /// <param name="label">The channel.</param>
    /// <param name="x">Column of the key point; on the map.</param>
    /// <param name="y">Row of the key point; on the map.</param>
    /// <param name="radius">Cells to each side; 0: the key point alone.</param>
    public static void Splat(Span<float> heat, int height, int width, int classes, int label, int x, int y, int radius)
    {
        if (heat.Length != checked(height * width * classes)) throw new ArgumentException($"{heat.Length} numbers are no map of {height}x{width}x{classes}", nameof(heat));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)label, (uint)classes, nameof(label));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)x, (uint)width, nameof(x));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)height, nameof(y));
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        var sigma = (2.0 * radius + 1) / 6;
        for (var row = Math.Max(0, y - radius); row <= Math.Min(height - 1, (long)y + radius); row++)
            for (var column = Math.Max(0, x - radius); column <= Math.Min(width - 1, (long)x + radius); column++)
            {
                double dx = column - x, dy = row - y;
                ref var value = ref heat[(row * width + column) * classes + label];
                value = Math.Max(value, (float)Math.Exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)));
            }
    }
}
