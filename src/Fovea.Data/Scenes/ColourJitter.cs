namespace Fovea.Data;

/// <summary>Changes of an image's colours as one matrix.</summary>
internal static class ColourJitter
{
    private static readonly double[] Luma = [0.299, 0.587, 0.114]; // BT.601

    /// <summary>Multiplies the light, then the distance from the image's mean grey, then that of each pixel from its own grey, then turns
    /// the colours around the grey axis. Factors of 1 and an angle of 0 change nothing.</summary>
    internal static void Apply(RgbImage image, double brightness, double contrast, double saturation, double hueDegrees)
    {
        var pixels = image.Pixels.Span;
        Span<double> sums = stackalloc double[3];
        for (var i = 0; i < pixels.Length; i += 3)
            for (var c = 0; c < 3; c++) sums[c] += pixels[i + c];
        var mean = 3 * brightness * (Luma[0] * sums[0] + Luma[1] * sums[1] + Luma[2] * sums[2]) / pixels.Length;
        // Saturation and hue leave greys as they are, so the offset of the contrast passes them unchanged.
        var offset = (1 - contrast) * mean;
        Span<double> matrix = stackalloc double[9];
        Fill(matrix, brightness * contrast, saturation, double.DegreesToRadians(hueDegrees));
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var pixel = pixels.Slice(i, 3);
            var (r, g, b) = (pixel[0], pixel[1], pixel[2]);
            for (var c = 0; c < 3; c++)
                pixel[c] = (byte)Math.Clamp(Math.Round(matrix[3 * c] * r + matrix[3 * c + 1] * g + matrix[3 * c + 2] * b + offset), 0, 255);
        }
    }

    // gain * rotation about (1, 1, 1) * (s I + (1 - s) luma in every row); the rotation is Rodrigues' formula.
    private static void Fill(Span<double> matrix, double gain, double saturation, double angle)
    {
        var (cosine, same, cross) = (Math.Cos(angle), (1 - Math.Cos(angle)) / 3, Math.Sin(angle) / Math.Sqrt(3));
        for (var row = 0; row < 3; row++)
            for (var column = 0; column < 3; column++)
            {
                double sum = 0;
                for (var k = 0; k < 3; k++)
                {
                    var rotation = same + (row == k ? cosine : (k - row + 3) % 3 == 1 ? -cross : cross);
                    sum += rotation * ((k == column ? saturation : 0) + (1 - saturation) * Luma[column]);
                }
                matrix[3 * row + column] = gain * sum;
            }
    }
}
