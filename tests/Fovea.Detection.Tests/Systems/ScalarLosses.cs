namespace Fovea.Detection.Tests.Systems;

/// <summary>Losses of single numbers and boxes in double precision, straight from their formulas: what recorded losses are compared
/// with.</summary>
internal static class ScalarLosses
{
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public static double Bce(double x, double y) => Math.Max(x, 0) - x * y + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    public static double Focal(double x, double y, double alpha = 0.25, double gamma = 2)
    {
        var p = Sigmoid(x);
        var (miss, weight) = (1 - (p * y + (1 - p) * (1 - y)), alpha * y + (1 - alpha) * (1 - y));
        return weight * Math.Pow(miss, gamma) * Bce(x, y);
    }

    public static double QualityFocal(double x, double q) => Math.Pow(Math.Abs(q - Sigmoid(x)), 2) * Bce(x, q);

    public static double Varifocal(double x, double q) => (q > 0 ? q : 0.75 * Math.Pow(Sigmoid(x), 2)) * Bce(x, q);

    /// <summary>IoU of two boxes around one point, given as distances left top right bottom.</summary>
    public static double Iou(ReadOnlySpan<double> p, ReadOnlySpan<double> g)
    {
        var (shared, union, _) = Areas(p, g);
        return shared / union;
    }

    /// <summary>GIoU of the same.</summary>
    public static double Giou(ReadOnlySpan<double> p, ReadOnlySpan<double> g)
    {
        var (shared, union, hull) = Areas(p, g);
        return shared / union - (hull - union) / hull;
    }

    private static (double Shared, double Union, double Hull) Areas(ReadOnlySpan<double> p, ReadOnlySpan<double> g)
    {
        var shared = Math.Max(0, Math.Min(p[0], g[0]) + Math.Min(p[2], g[2])) * Math.Max(0, Math.Min(p[1], g[1]) + Math.Min(p[3], g[3]));
        var union = (p[0] + p[2]) * (p[1] + p[3]) + (g[0] + g[2]) * (g[1] + g[3]) - shared;
        var hull = (Math.Max(p[0], g[0]) + Math.Max(p[2], g[2])) * (Math.Max(p[1], g[1]) + Math.Max(p[3], g[3]));
        return (shared, union, hull);
    }
}
