namespace Fovea.Detection.Assignment;

/// <summary>Boxes as deltas of other boxes (Girshick et al., "Rich Feature Hierarchies", 2014): dx = weight * (x - x0)/w0 and
/// dw = weight * ln(w/w0), with centres and sizes, likewise for y and h. What <see cref="Kernels.DecodeBoxes"/> decodes.</summary>
/// <param name="X">Weight of dx, the reciprocal of what SSD calls a variance.</param>
/// <param name="Y">Weight of dy.</param>
/// <param name="Width">Weight of dw.</param>
/// <param name="Height">Weight of dh.</param>
public readonly record struct BoxCoder(float X, float Y, float Width, float Height)
{
    /// <summary>ln(1000/16): larger logarithms of a size are taken for this one, so that no box becomes infinite.</summary>
    public const double MaxLogScale = 4.135166556742356;

    /// <summary>Weights 1: proposals.</summary>
    public static BoxCoder Plain => new(1, 1, 1, 1);

    /// <summary>Weights 10, 10, 5, 5: regions of Fast R-CNN and, as variances 0.1 and 0.2, default boxes of SSD.</summary>
    public static BoxCoder Scaled => new(10, 10, 5, 5);

    /// <summary>Deltas that lead from <paramref name="anchor"/> to <paramref name="box"/>, both x1 y1 x2 y2 with an area.</summary>
    public void Encode(ReadOnlySpan<float> anchor, ReadOnlySpan<float> box, Span<float> deltas)
    {
        var (x0, y0, w0, h0) = Centre(anchor);
        var (x, y, w, h) = Centre(box);
        deltas[0] = (float)(X * (x - x0) / w0);
        deltas[1] = (float)(Y * (y - y0) / h0);
        deltas[2] = (float)(Width * Math.Log(w / w0));
        deltas[3] = (float)(Height * Math.Log(h / h0));
    }

    /// <summary>The box x1 y1 x2 y2 to which deltas lead.</summary>
    public void Decode(ReadOnlySpan<float> anchor, ReadOnlySpan<float> deltas, Span<float> box)
    {
        var (x0, y0, w0, h0) = Centre(anchor);
        var (x, y) = (x0 + deltas[0] / X * w0, y0 + deltas[1] / Y * h0);
        var w = w0 * Math.Exp(Math.Min(deltas[2] / Width, MaxLogScale));
        var h = h0 * Math.Exp(Math.Min(deltas[3] / Height, MaxLogScale));
        (box[0], box[1], box[2], box[3]) = ((float)(x - w / 2), (float)(y - h / 2), (float)(x + w / 2), (float)(y + h / 2));
    }

    private static (double X, double Y, double Width, double Height) Centre(ReadOnlySpan<float> box) =>
        (((double)box[0] + box[2]) / 2, ((double)box[1] + box[3]) / 2, (double)box[2] - box[0], (double)box[3] - box[1]);
}
