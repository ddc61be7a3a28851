namespace Fovea.Data;

/// <summary>Paints the grounds of scenes: middle grey levels, so that dark and light objects both stand out.</summary>
internal static class GroundPainter
{
    private const int Grain = 12; // grey levels up and down

    internal static void Paint(RgbImage image, SceneGround ground, ref SceneRandom random)
    {
        Span<double> colour = stackalloc double[3], other = stackalloc double[3];
        Draw(colour, ref random);
        if (ground == SceneGround.Waves)
        {
            var (fx, fy, phase, depth) = (random.Next() * 0.4, random.Next() * 0.4, random.Next() * 6, random.Next() * 25);
            for (var y = 0; y < image.Height; y++)
                for (var x = 0; x < image.Width; x++) Put(image, x, y, colour, colour, 0, depth * Math.Sin(fx * x + fy * y + phase), ref random);
            return;
        }
        Draw(other, ref random);
        var share = Share(ground, image.Width, image.Height, ref random);
        for (var y = 0; y < image.Height; y++)
            for (var x = 0; x < image.Width; x++) Put(image, x, y, colour, other, share(x, y), 0, ref random);
    }

    private static void Draw(Span<double> colour, ref SceneRandom random)
    {
        foreach (ref var c in colour) c = random.Next(60, 150);
    }

    // How much of the second colour a pixel has.
    private static Func<int, int, double> Share(SceneGround ground, int width, int height, ref SceneRandom random)
    {
        if (ground == SceneGround.Gradient)
        {
            var alongX = random.Next();
            return (x, y) => alongX * x / width + (1 - alongX) * y / height;
        }
        var cell = random.Next(8, 33); // pixels
        if (ground == SceneGround.Checks) return (x, y) => (x / cell + y / cell) % 2;
        var columns = width / cell + 2;
        var grid = new double[columns * (height / cell + 2)];
        foreach (ref var corner in grid.AsSpan()) corner = random.Next();
        return (x, y) =>
        {
            var (at, fx, fy) = (y / cell * columns + x / cell, (double)(x % cell) / cell, (double)(y % cell) / cell);
            var upper = grid[at] + fx * (grid[at + 1] - grid[at]);
            var lower = grid[at + columns] + fx * (grid[at + columns + 1] - grid[at + columns]);
            return upper + fy * (lower - upper);
        };
    }

    private static void Put(RgbImage image, int x, int y, ReadOnlySpan<double> colour, ReadOnlySpan<double> other, double share, double wave,
        ref SceneRandom random)
    {
        var light = wave + random.Next(-Grain, Grain + 1);
        var pixel = image.Pixels.Span.Slice(3 * (y * image.Width + x), 3);
        for (var c = 0; c < 3; c++) pixel[c] = (byte)Math.Clamp(colour[c] + share * (other[c] - colour[c]) + light, 0, 255);
    }
}
