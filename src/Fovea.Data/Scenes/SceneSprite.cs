namespace Fovea.Data;

/// <summary>An object before it is put into a scene.</summary>
/// <param name="Width">Columns of the arrays.</param>
/// <param name="Height">Rows of the arrays.</param>
/// <param name="Alpha">How much of the object's colour a pixel takes, 255: all; 0: the pixel is not of the object.</param>
/// <param name="Shade">What the object's colour is multiplied by, 255: 1; null: 1 everywhere.</param>
/// <param name="Points">See <see cref="LabelledObject.Points"/>; in pixels of the sprite.</param>
internal readonly record struct SceneSprite(int Width, int Height, byte[] Alpha, byte[]? Shade = null, float[]? Points = null)
{
    /// <summary>The smallest box around the object's pixels, edges; null where there is none.</summary>
    internal (int X1, int Y1, int X2, int Y2)? Bounds => PixelBounds.Of(Alpha, Width, Height);

    /// <summary>Draws a shape over a whole box: a pixel is inside where its centre is.</summary>
    internal static SceneSprite Of(SceneShape shape, int width, int height)
    {
        const byte dark = 40; // shade of a face's dots and bar
        var alpha = new byte[width * height];
        var shade = shape == SceneShape.Face ? new byte[alpha.Length] : null;
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                // From -1 to 1 over the box.
                var (u, v) = (2 * (x + 0.5) / width - 1, 2 * (y + 0.5) / height - 1);
                if (!Contains(shape, u, v, isWide: width >= height)) continue;
                alpha[y * width + x] = 255;
                if (shade is not null) shade[y * width + x] = IsFeature(u, v) ? dark : (byte)255;
            }
        return new SceneSprite(width, height, alpha, shade, shape == SceneShape.Face ? FacePoints(width, height) : null);
    }

    // Middles of the dots, a point between them and the bar that is not drawn, ends of the bar.
    private static float[] FacePoints(int width, int height)
    {
        ReadOnlySpan<float> places = [-0.4f, -0.25f, 0.4f, -0.25f, 0, 0.1f, -0.45f, 0.5f, 0.45f, 0.5f]; // from -1 to 1 over the box
        var points = new float[places.Length];
        for (var i = 0; i < points.Length; i++) points[i] = (places[i] + 1) / 2 * (i % 2 == 0 ? width : height);
        return points;
    }

    /// <summary>Cuts a picture out of its margins and gives it a longer side of <paramref name="size"/> pixels: each takes the mean of the
    /// area it covers. What shows less than an eighth of the object is left out.</summary>
    internal static SceneSprite Of(ItemImages items, int item, int size)
    {
        const int faint = 32;
        var source = new byte[items.Width * items.Height];
        var pixels = items.PixelsOf(item);
        for (var i = 0; i < source.Length; i++) source[i] = pixels[i] < faint ? (byte)0 : pixels[i];
        if (PixelBounds.Of(source, items.Width, items.Height) is not { } cut) return new SceneSprite(0, 0, []);
        var (fromWidth, fromHeight) = (cut.X2 - cut.X1, cut.Y2 - cut.Y1);
        var longer = Math.Max(fromWidth, fromHeight);
        var (width, height) = (Math.Max(1, fromWidth * size / longer), Math.Max(1, fromHeight * size / longer));
        var alpha = new byte[width * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                // In units of 1/width of a source pixel, this pixel covers [x * fromWidth, (x + 1) * fromWidth) along x.
                long sum = 0, area = (long)fromWidth * fromHeight;
                for (var sy = y * fromHeight / height; sy * height < (y + 1) * fromHeight; sy++)
                    for (var sx = x * fromWidth / width; sx * width < (x + 1) * fromWidth; sx++)
                    {
                        var covered = (Math.Min((sx + 1) * width, (x + 1) * fromWidth) - Math.Max(sx * width, x * fromWidth)) *
                            (Math.Min((sy + 1) * height, (y + 1) * fromHeight) - Math.Max(sy * height, y * fromHeight));
                        sum += (long)covered * source[(cut.Y1 + sy) * items.Width + cut.X1 + sx];
                    }
                var mean = (byte)((sum + area / 2) / area);
                alpha[y * width + x] = mean < faint ? (byte)0 : mean;
            }
        return new SceneSprite(width, height, alpha);
    }

    private static bool Contains(SceneShape shape, double u, double v, bool isWide)
    {
        const double hole = 0.55, lean = 0.7;
        var radius = u * u + v * v;
        return shape switch
        {
            SceneShape.Square => true,
            SceneShape.Triangle => Math.Abs(u) <= (v + 1) / 2,
            SceneShape.Ring => radius is <= 1 and >= hole * hole,
            SceneShape.Cross => Math.Abs(u) <= 1.0 / 3 || Math.Abs(v) <= 1.0 / 3,
            SceneShape.Star => IsInStar(u, v),
            SceneShape.Bar => Math.Abs(isWide ? v : u) <= 1.0 / 3,
            // Touches the box's sides for every lean from 0 to 1.
            SceneShape.Ellipse => radius + 2 * lean * u * v <= 1 - lean * lean,
            _ => radius <= 1,
        };
    }

    // The lines between every second of the five tips, at cos(72 deg) from the centre, bound the star: its inner pentagon is inside of
    // all of them, a tip outside of exactly one.
    private static bool IsInStar(double u, double v)
    {
        const double cos72 = 0.30901699437494742, sin72 = 0.95105651629515357, cos36 = 0.80901699437494742, sin36 = 0.58778525229247313;
        var outside = -v > cos72 ? 1 : 0;
        if (Math.Abs(u) * sin72 - v * cos72 > cos72) outside++;
        if (Math.Abs(u) * sin36 + v * cos36 > cos72) outside++;
        // The mirror images of the last two lines.
        if (-Math.Abs(u) * sin36 + v * cos36 > cos72) outside++;
        return outside <= 1;
    }

    private static bool IsFeature(double u, double v)
    {
        var (eyeX, eyeY) = (Math.Abs(u) - 0.4, v + 0.25);
        return eyeX * eyeX + eyeY * eyeY <= 0.2 * 0.2 || (Math.Abs(u) <= 0.45 && Math.Abs(v - 0.5) <= 0.12);
    }
}
