namespace Fovea.Detection.Evaluation;

/// <summary>Objects of some sizes; both bounds belong to the range, as in the official COCO tool.</summary>
/// <param name="Name">Name such as "small".</param>
/// <param name="Measure">What is compared.</param>
/// <param name="Least">Least size.</param>
/// <param name="Most">Greatest size.</param>
public sealed record SizeRange(string Name, SizeMeasure Measure, double Least, double Most)
{
    /// <summary>Every object (COCO's bound of 1e10 square pixels).</summary>
    public static SizeRange All { get; } = new("all", SizeMeasure.Area, 0, 1e10);

    /// <summary>COCO's ranges: small to 32 x 32 pixels, medium to 96 x 96, large.</summary>
    public static IReadOnlyList<SizeRange> Coco { get; } =
    [
        new("small", SizeMeasure.Area, 0, 32 * 32),
        new("medium", SizeMeasure.Area, 32 * 32, 96 * 96),
        new("large", SizeMeasure.Area, 96 * 96, 1e10),
    ];

    /// <summary>Faces by their shorter side: to 16 pixels, 32, 96, and above.</summary>
    public static IReadOnlyList<SizeRange> Faces { get; } =
    [
        new("to 16 px", SizeMeasure.ShorterSide, 0, 16),
        new("16-32 px", SizeMeasure.ShorterSide, 16, 32),
        new("32-96 px", SizeMeasure.ShorterSide, 32, 96),
        new("from 96 px", SizeMeasure.ShorterSide, 96, 1e10),
    ];

    internal bool Contains(in BoxXywh box, double area)
    {
        double size = Measure == SizeMeasure.Area ? area : Math.Min(box.Width, box.Height);
        return size >= Least && size <= Most;
    }
}
