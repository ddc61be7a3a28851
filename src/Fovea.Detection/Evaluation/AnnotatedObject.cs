namespace Fovea.Detection.Evaluation;

/// <summary>One labelled object.</summary>
/// <param name="Image">Index into <see cref="AnnotatedDataset.Images"/>.</param>
/// <param name="Category">Index into <see cref="AnnotatedDataset.Categories"/>.</param>
/// <param name="Box">Its box.</param>
public readonly record struct AnnotatedObject(int Image, int Category, BoxXywh Box)
{
    /// <summary>Area that decides about small, medium and large; COCO counts the pixels of the mask, else it is the box's area.</summary>
    public double Area { get; init; } = Box.Area;

    /// <summary>Neither finding nor missing it counts (VOC's "difficult", WIDER's "invalid").</summary>
    public bool IsIgnored { get; init; }

    /// <summary>A region with many objects: ignored, and any number of detections inside of it are forgiven.</summary>
    public bool IsCrowd { get; init; }
}
