namespace Fovea.Data;

/// <summary>Scenes with exact boxes and masks: coloured shapes on a textured ground. A scene is a function of options, seed and index, so
/// any part of an endless data set is made where it is needed, in any order, with the same bytes everywhere.</summary>
public sealed class SceneGenerator : ILabelledImages
{
    private const int Attempts = 30; // places that are tried per object

    private static readonly string[] Names = ["square", "disc", "triangle"];

    private readonly SceneOptions _options;
    private readonly ulong _seed;

    /// <summary>Describes the scenes.</summary>
    /// <param name="options">What they look like.</param>
    /// <param name="seed">Which scenes.</param>
    /// <param name="count">How many.</param>
    public SceneGenerator(SceneOptions options, long seed, long count)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (_options, _seed, Count) = (options, (ulong)seed, count);
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => Names;

    /// <inheritdoc/>
    public LabelledImage Load(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var random = new SceneRandom(_seed, (ulong)index);
        var image = new RgbImage(_options.Width, _options.Height);
        PaintGround(image, ref random);
        var objects = new List<LabelledObject>();
        var wanted = random.Next(_options.MinObjects, _options.MaxObjects + 1);
        for (var i = 0; i < wanted; i++)
            if (Place(image, objects, ref random) is { } placed) objects.Add(placed);
        return new LabelledImage(image, objects);
    }

    private void PaintGround(RgbImage image, ref SceneRandom random)
    {
        Span<double> colour = stackalloc double[3];
        foreach (ref var c in colour) c = random.Next(60, 150);
        var (fx, fy, phase, depth) = (random.Next() * 0.4, random.Next() * 0.4, random.Next() * 6, random.Next() * 25);
        var pixels = image.Pixels.Span;
        for (var y = 0; y < image.Height; y++)
            for (var x = 0; x < image.Width; x++)
            {
                var wave = depth * Math.Sin(fx * x + fy * y + phase) + random.Next(-12, 13);
                for (var c = 0; c < 3; c++) pixels[3 * (y * image.Width + x) + c] = (byte)Math.Clamp(colour[c] + wave, 0, 255);
            }
    }

    private LabelledObject? Place(RgbImage image, List<LabelledObject> others, ref SceneRandom random)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var kind = random.Next(0, Names.Length);
            var width = (int)(_options.MinSize + random.Next() * (_options.MaxSize - _options.MinSize));
            var height = Math.Max(4, (int)(width * (0.6 + 0.4 * random.Next())));
            if (random.Next() < 0.5) (width, height) = (height, width);
            if (width > image.Width || height > image.Height) continue;
            var (x, y) = (random.Next(0, image.Width - width + 1), random.Next(0, image.Height - height + 1));
            var box = new LabelledObject(kind, x, y, x + width, y + height);
            if (others.Exists(o => Iou(o, box) > _options.MaxOverlap)) continue;
            return box with { Mask = Paint(image, box, ref random) };
        }
        return null;
    }

    private static byte[] Paint(RgbImage image, LabelledObject box, ref SceneRandom random)
    {
        Span<byte> colour = stackalloc byte[3];
        foreach (ref var c in colour) c = (byte)(random.Next() < 0.5 ? random.Next(0, 60) : random.Next(180, 256));
        var mask = new byte[image.Width * image.Height];
        var pixels = image.Pixels.Span;
        for (var y = (int)box.Y1; y < (int)box.Y2; y++)
            for (var x = (int)box.X1; x < (int)box.X2; x++)
            {
                // From -1 to 1 over the box.
                var (u, v) = (2 * (x + 0.5 - box.X1) / (box.X2 - box.X1) - 1, 2 * (y + 0.5 - box.Y1) / (box.Y2 - box.Y1) - 1);
                var isInside = box.Class switch { 0 => true, 1 => u * u + v * v <= 1, _ => Math.Abs(u) <= (v + 1) / 2 };
                if (!isInside) continue;
                var at = y * image.Width + x;
                mask[at] = 1;
                colour.CopyTo(pixels[(3 * at)..]);
            }
        return mask;
    }

    private static double Iou(LabelledObject a, LabelledObject b)
    {
        var width = Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1);
        var height = Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1);
        if (width <= 0 || height <= 0) return 0;
        double intersection = width * height;
        return intersection / ((a.X2 - a.X1) * (a.Y2 - a.Y1) + (b.X2 - b.X1) * (b.Y2 - b.Y1) - intersection);
    }
}
