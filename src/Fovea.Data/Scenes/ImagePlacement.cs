namespace Fovea.Data;

/// <summary>Where an image lies on another one: x' = <paramref name="ScaleX"/> x + <paramref name="OffsetX"/>, likewise y, with edges of
/// pixels as coordinates. A negative scale mirrors.</summary>
/// <param name="ScaleX">Not 0.</param>
/// <param name="ScaleY">Not 0.</param>
/// <param name="OffsetX">In pixels of the other image.</param>
/// <param name="OffsetY">In pixels of the other image.</param>
public readonly record struct ImagePlacement(double ScaleX, double ScaleY, double OffsetX, double OffsetY)
{
    /// <summary>Changes nothing.</summary>
    public static ImagePlacement Identity => new(1, 1, 0, 0);

    /// <summary>The largest size that fits into a square of <paramref name="size"/> pixels with the proportions kept, in its middle to
    /// the pixel.</summary>
    public static ImagePlacement Letterbox(int width, int height, int size)
    {
        var scale = (double)size / Math.Max(width, height);
        return new ImagePlacement(scale, scale, Math.Floor((size - scale * width) / 2), Math.Floor((size - scale * height) / 2));
    }

    /// <summary>All of a square of <paramref name="size"/> pixels, whatever the proportions.</summary>
    public static ImagePlacement Stretch(int width, int height, int size) => new((double)size / width, (double)size / height, 0, 0);

    /// <summary>The same place, with left and right of an image of this width exchanged.</summary>
    public ImagePlacement Flipped(int width) => this with { ScaleX = -ScaleX, OffsetX = OffsetX + ScaleX * width };

    /// <summary>Edges of what covers [x1, x2] by [y1, y2].</summary>
    public (double X1, double Y1, double X2, double Y2) Map(double x1, double y1, double x2, double y2)
    {
        var (left, right) = (ScaleX * x1 + OffsetX, ScaleX * x2 + OffsetX);
        var (top, bottom) = (ScaleY * y1 + OffsetY, ScaleY * y2 + OffsetY);
        return (Math.Min(left, right), Math.Min(top, bottom), Math.Max(left, right), Math.Max(top, bottom));
    }
}
