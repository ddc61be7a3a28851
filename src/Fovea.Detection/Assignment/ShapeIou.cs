namespace Fovea.Detection.Assignment;

/// <summary>Overlap of boxes that are laid on a common corner: of their shapes alone.</summary>
internal static class ShapeIou
{
    /// <summary>IoU of two widths and heights; 0 where neither has an area.</summary>
    public static double Of((float Width, float Height) a, (float Width, float Height) b)
    {
        var intersection = (double)Math.Min(a.Width, b.Width) * Math.Min(a.Height, b.Height);
        var union = (double)a.Width * a.Height + (double)b.Width * b.Height - intersection;
        return union > 0 ? intersection / union : 0;
    }

    /// <summary>The most similar shape, the first of equals, and its IoU.</summary>
    public static (int Index, double Iou) Best((float Width, float Height) size, ReadOnlySpan<(float Width, float Height)> shapes)
    {
        var (best, bestIou) = (0, -1.0);
        for (var i = 0; i < shapes.Length; i++)
            if (Of(size, shapes[i]) is var iou && iou > bestIou) (best, bestIou) = (i, iou);
        return (best, bestIou);
    }
}
