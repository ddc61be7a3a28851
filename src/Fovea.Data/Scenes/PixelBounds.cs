namespace Fovea.Data;

/// <summary>Boxes of masks.</summary>
internal static class PixelBounds
{
    /// <summary>Edges of the smallest box around all pixels of a mask that are not 0; null where all are.</summary>
    internal static (int X1, int Y1, int X2, int Y2)? Of(ReadOnlySpan<byte> mask, int width, int height)
    {
        var (x1, y1, x2, y2) = (width, height, 0, 0);
        for (var y = 0; y < height; y++)
        {
            var row = mask.Slice(y * width, width);
            var first = row.IndexOfAnyExcept((byte)0);
            if (first < 0) continue;
            (x1, x2) = (Math.Min(x1, first), Math.Max(x2, row.LastIndexOfAnyExcept((byte)0) + 1));
            (y1, y2) = (Math.Min(y1, y), y + 1);
        }
        return x2 == 0 ? null : (x1, y1, x2, y2);
    }
}
