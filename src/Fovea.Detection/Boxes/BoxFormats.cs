namespace Fovea.Detection.Boxes;

/// <summary>Conversions between the formats of boxes.</summary>
/// <remarks>With plusOne the corners name the outermost pixels, as in VOC's tools, Caffe's Faster R-CNN and MTCNN: the box 0 0 9 9 is
/// 10 wide, w = x2 - x1 + 1 and cx = x1 + w/2.</remarks>
public static class BoxFormats
{
    /// <summary>Rewrites boxes of four numbers each. Computed in double and rounded once; sides may be negative. No allocation.</summary>
    /// <param name="boxes">4N numbers.</param>
    /// <param name="from">Their format.</param>
    /// <param name="to">The format of the result.</param>
    /// <param name="result">4N numbers; may be <paramref name="boxes"/> itself.</param>
    /// <param name="plusOne">Whether corners name pixels that belong to the box.</param>
    /// <exception cref="ArgumentException">The lengths differ or are no multiple of 4, or the spans overlap in part.</exception>
    public static void Convert(ReadOnlySpan<float> boxes, BoxFormat from, BoxFormat to, Span<float> result, bool plusOne = false)
    {
        Check(from, nameof(from));
        Check(to, nameof(to));
        if (boxes.Length % 4 != 0) throw new ArgumentException($"boxes have four numbers each, {boxes.Length} are no multiple of 4", nameof(boxes));
        if (result.Length != boxes.Length) throw new ArgumentException($"boxes have {boxes.Length} numbers, the result has {result.Length}", nameof(result));
        if (boxes.Overlaps(result, out int offset) && offset != 0) throw new ArgumentException("boxes and result overlap in part", nameof(result));
        double one = plusOne ? 1 : 0;
        for (int i = 0; i < boxes.Length; i += 4)
        {
            for (int axis = 0; axis < 2; axis++)
            {
                var (position, extent) = Split(boxes[i + axis], boxes[i + axis + 2], from, one);
                result[i + axis] = (float)(to == BoxFormat.CentreSize ? position + extent / 2 : position);
                result[i + axis + 2] = (float)(to == BoxFormat.Corners ? position + extent - one : extent);
            }
        }
    }

    internal static void Check(BoxFormat format, string name)
    {
        if (format is < BoxFormat.Corners or > BoxFormat.CentreSize) throw new ArgumentOutOfRangeException(name, format, "no such format");
    }

    // One axis as low edge and size; exact in double for numbers of similar size.
    private static (double Low, double Size) Split(double first, double second, BoxFormat format, double one) => format switch
    {
        BoxFormat.Corners => (first, second - first + one),
        BoxFormat.CornerSize => (first, second),
        _ => (first - second / 2, second),
    };
}
