namespace Fovea.Detection.Evaluation;

/// <summary>A box in pixels by its top left corner and size, all real numbers; the right edge is <c>X + Width</c>. Annotations and
/// COCO results are written this way, and overlaps computed from it agree with the official tool bit for bit.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Width, at least 0.</param>
/// <param name="Height">Height, at least 0.</param>
public readonly record struct BoxXywh(double X, double Y, double Width, double Height)
{
    /// <summary>Width times height.</summary>
    public double Area => Width * Height;

    /// <summary>Whether all four numbers are finite and neither side is negative.</summary>
    public bool IsValid => double.IsFinite(X) && double.IsFinite(Y) && double.IsFinite(Width) && double.IsFinite(Height) && Width >= 0 && Height >= 0;

    /// <summary>The box between two corners.</summary>
    public static BoxXywh FromCorners(double x1, double y1, double x2, double y2) => new(x1, y1, x2 - x1, y2 - y1);

    /// <summary>Intersection over union; 0 where both boxes are empty.</summary>
    /// <param name="other">The second box.</param>
    /// <param name="plusOne">Whether edges name the outermost pixels, so that both sides count one pixel more (VOC's tools).</param>
    public double Iou(in BoxXywh other, bool plusOne = false)
    {
        double intersection = Intersection(other, plusOne);
        double union = InclusiveArea(plusOne) + other.InclusiveArea(plusOne) - intersection;
        return union > 0 ? intersection / union : 0;
    }

    /// <summary>The part of this box that <paramref name="crowd"/> covers, 0 to 1; 0 for an empty box.</summary>
    public double CoveredBy(in BoxXywh crowd) => Area > 0 ? Intersection(crowd, plusOne: false) / Area : 0;

    private double InclusiveArea(bool plusOne) => plusOne ? (Width + 1) * (Height + 1) : Area;

    private double Intersection(in BoxXywh other, bool plusOne)
    {
        int extra = plusOne ? 1 : 0;
        double width = Math.Min(X + Width, other.X + other.Width) - Math.Max(X, other.X) + extra;
        double height = Math.Min(Y + Height, other.Y + other.Height) - Math.Max(Y, other.Y) + extra;
        return width > 0 && height > 0 ? width * height : 0;
    }
}
