namespace Fovea.Data;

/// <summary>An image that labelled images are laid onto: resized, moved, mirrored, cut. Boxes and masks follow.</summary>
public sealed class LabelledCanvas
{
    /// <summary>Grey of what no image covers, as YOLO has it.</summary>
    public const byte Fill = 114;

    private readonly RgbImage _image;
    private readonly List<LabelledObject> _objects = [];

    /// <summary>An empty canvas.</summary>
    public LabelledCanvas(int width, int height)
    {
        _image = new RgbImage(width, height);
        _image.Pixels.Span.Fill(Fill);
    }

    /// <summary>Lays an image onto the whole canvas.</summary>
    /// <inheritdoc cref="Lay(LabelledImage, ImagePlacement, int, int, int, int, double)"/>
    public void Lay(LabelledImage source, ImagePlacement place, double minVisible = 0) =>
        Lay(source, place, 0, 0, _image.Width, _image.Height, minVisible);

    /// <summary>Lays an image onto a part of the canvas.</summary>
    /// <remarks>Boxes are cut at the part's sides. Where a cut object's mask shows all of it, the box is made tight around what is left;
    /// the part of an object that others covered is not known.</remarks>
    /// <param name="source">What to lay.</param>
    /// <param name="place">Where on the canvas; may reach beyond the part.</param>
    /// <param name="left">Left edge of the part, in pixels.</param>
    /// <param name="top">Top edge of the part.</param>
    /// <param name="right">Right edge of the part.</param>
    /// <param name="bottom">Bottom edge of the part.</param>
    /// <param name="minVisible">Objects with a smaller share of their box's area inside the part are dropped; so are those that have no
    /// pixel left.</param>
    public void Lay(LabelledImage source, ImagePlacement place, int left, int top, int right, int bottom, double minVisible = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!(double.IsFinite(1 / place.ScaleX) && double.IsFinite(1 / place.ScaleY) && double.IsFinite(place.OffsetX + place.OffsetY)))
            throw new ArgumentException($"{place} is no place", nameof(place));
        (left, top, right, bottom) = (Math.Max(0, left), Math.Max(0, top), Math.Min(_image.Width, right), Math.Min(_image.Height, bottom));
        if (left >= right || top >= bottom) return;
        Draw(source.Image, place, left, top, right, bottom);
        foreach (var o in source.Objects)
        {
            var (x1, y1, x2, y2) = place.Map(o.X1, o.Y1, o.X2, o.Y2);
            var area = (x2 - x1) * (y2 - y1);
            var (cutX1, cutY1, cutX2, cutY2) = (Math.Max(x1, left), Math.Max(y1, top), Math.Min(x2, right), Math.Min(y2, bottom));
            if (!(cutX2 > cutX1 && cutY2 > cutY1) || (cutX2 - cutX1) * (cutY2 - cutY1) < minVisible * area) continue;
            var placed = o with { X1 = (float)cutX1, Y1 = (float)cutY1, X2 = (float)cutX2, Y2 = (float)cutY2, Points = null };
            if (o.Mask is not null)
            {
                placed = placed with { Mask = Moved(o.Mask, source.Image, place, left, top, right, bottom) };
                if (PixelBounds.Of(placed.Mask, _image.Width, _image.Height) is not { } tight) continue;
                var isCut = cutX1 > x1 || cutY1 > y1 || cutX2 < x2 || cutY2 < y2;
                if (isCut && o.Visible >= 1) placed = placed with { X1 = tight.X1, Y1 = tight.Y1, X2 = tight.X2, Y2 = tight.Y2 };
            }
            _objects.Add(placed);
        }
    }

    /// <summary>The canvas with all that was laid onto it.</summary>
    public LabelledImage ToImage() => new(_image, [.. _objects]);

    private void Draw(RgbImage source, ImagePlacement place, int left, int top, int right, int bottom)
    {
        var columns = new ResampleAxis(place.ScaleX, place.OffsetX, source.Width, left, right);
        var rows = new ResampleAxis(place.ScaleY, place.OffsetY, source.Height, top, bottom);
        var (width, used) = (right - left, Math.Max(0, rows.EndUsed - rows.FirstUsed));
        var narrow = new float[checked(3 * width * Math.Max(1, used))]; // the rows that are read, resized along x
        var row = new float[3 * source.Width];
        for (var y = 0; y < used; y++)
        {
            var bytes = source.Pixels.Span.Slice(3 * (rows.FirstUsed + y) * source.Width, row.Length);
            for (var i = 0; i < row.Length; i++) row[i] = bytes[i];
            columns.Apply(row, 3, skip: 0, Fill, narrow.AsSpan(3 * y * width));
        }
        var column = new float[3 * (bottom - top)];
        var pixels = _image.Pixels.Span;
        for (var x = 0; x < width; x++)
        {
            rows.Apply(narrow.AsSpan(3 * x), 3 * width, rows.FirstUsed, Fill, column);
            for (var y = top; y < bottom; y++)
                for (var c = 0; c < 3; c++)
                    pixels[3 * (y * _image.Width + left + x) + c] = (byte)Math.Clamp(MathF.Round(column[3 * (y - top) + c]), 0, 255);
        }
    }

    // The pixel whose area holds the target's centre.
    private byte[] Moved(byte[] mask, RgbImage source, ImagePlacement place, int left, int top, int right, int bottom)
    {
        var moved = new byte[_image.Width * _image.Height];
        for (var y = top; y < bottom; y++)
        {
            var fromY = (int)Math.Floor((y + 0.5 - place.OffsetY) / place.ScaleY);
            if (fromY < 0 || fromY >= source.Height) continue;
            for (var x = left; x < right; x++)
            {
                var fromX = (int)Math.Floor((x + 0.5 - place.OffsetX) / place.ScaleX);
                if (fromX >= 0 && fromX < source.Width) moved[y * _image.Width + x] = mask[fromY * source.Width + fromX];
            }
        }
        return moved;
    }
}
