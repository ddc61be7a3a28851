namespace Fovea.Detection.Assignment;

/// <summary>Overlap of two boxes as assigners compare them.</summary>
internal static class PairIou
{
    /// <summary>IoU of x1 y1 x2 y2 boxes in double; 0 where there is no overlap, or no number.</summary>
    public static double Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (width, height) = ((double)Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]), (double)Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        if (!(width > 0 && height > 0)) return 0;
        var area = ((double)a[2] - a[0]) * ((double)a[3] - a[1]) + ((double)b[2] - b[0]) * ((double)b[3] - b[1]);
        return width * height / (area - width * height);
    }
}
