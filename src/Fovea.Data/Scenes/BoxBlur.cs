namespace Fovea.Data;

/// <summary>Means over square windows.</summary>
internal static class BoxBlur
{
    /// <summary>Replaces each pixel by the mean of those at most <paramref name="radius"/> away along each axis; outside of the image
    /// there is nothing to count.</summary>
    internal static void Apply(RgbImage image, int radius)
    {
        if (radius == 0) return;
        var (width, height) = (image.Width, image.Height);
        var pixels = image.Pixels.Span;
        var line = new byte[Math.Max(width, height)];
        for (var y = 0; y < height; y++)
            for (var c = 0; c < 3; c++) Blur(pixels[(3 * y * width + c)..], width, 3, radius, line);
        for (var x = 0; x < width; x++)
            for (var c = 0; c < 3; c++) Blur(pixels[(3 * x + c)..], height, 3 * width, radius, line);
    }

    private static void Blur(Span<byte> samples, int count, int step, int radius, byte[] line)
    {
        for (var i = 0; i < count; i++) line[i] = samples[i * step];
        var sum = 0; // of line[from..to)
        var (from, to) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            for (; to < Math.Min(count, i + radius + 1); to++) sum += line[to];
            for (; from < i - radius; from++) sum -= line[from];
            samples[i * step] = (byte)((2 * sum + (to - from)) / (2 * (to - from)));
        }
    }
}
