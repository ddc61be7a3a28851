namespace Fovea.Data;

/// <summary>One object of a <see cref="LabelledImage"/>. Edges are real numbers in pixels: pixel x covers [x, x + 1].</summary>
/// <param name="Class">Index among the source's classes.</param>
/// <param name="X1">Left edge.</param>
/// <param name="Y1">Top edge.</param>
/// <param name="X2">Right edge.</param>
/// <param name="Y2">Bottom edge.</param>
public sealed record LabelledObject(int Class, float X1, float Y1, float X2, float Y2)
{
    /// <summary>Pixels of the image that show the object, 1 or 0, row by row over the whole image; null where this is not
    /// known.</summary>
    public byte[]? Mask { get; init; }

    /// <summary>The part of the object's pixels that no other object covers; 1 where this is not known.</summary>
    public float Visible { get; init; } = 1;

    /// <summary>Places on the object that a detector may be asked for, x and y in pixels in turn; of a face: left eye, right eye, nose, left
    /// and right corner of the mouth, as seen in the image. Null where they are not known.</summary>
    public float[]? Points { get; init; }
}
