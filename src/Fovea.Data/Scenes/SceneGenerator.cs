namespace Fovea.Data;

/// <summary>Scenes with exact boxes and masks: coloured shapes and pictures on a textured ground. A scene is a function of options, seed and index, so
/// any part of an endless data set is made where it is needed, in any order, with the same bytes everywhere.</summary>
/// <remarks>Objects lie over each other in their order. A box is tight around all of an object's pixels, covered ones included; a mask holds
/// those that are in sight.</remarks>
public sealed class SceneGenerator : ILabelledImages
{
    private const int Attempts = 30; // places that are tried per object

    private readonly SceneOptions _options;
    private readonly ulong _seed;

    /// <summary>Describes the scenes.</summary>
    /// <param name="options">What they look like.</param>
    /// <param name="seed">Which scenes.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public SceneGenerator(SceneOptions options, long seed, long count)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        options.Validate();
        (_options, _seed, Count) = (options, (ulong)seed, count);
        ClassNames = [.. options.Shapes.Select(s => s.ToString().ToLowerInvariant()), .. options.Items?.ClassNames ?? []];
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public LabelledImage Load(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var random = new SceneRandom(_seed, (ulong)index);
        var image = new RgbImage(_options.Width, _options.Height);
        var ground = _options.Grounds.Count == 1 ? 0 : random.Next(0, _options.Grounds.Count);
        GroundPainter.Paint(image, _options.Grounds[ground], ref random);
        var canvas = new SceneCanvas(image, _options);
        var wanted = random.Next(_options.MinObjects, _options.MaxObjects + 1);
        var clusters = new (double X, double Y)[_options.Clusters];
        foreach (ref var cluster in clusters.AsSpan()) cluster = (random.Next() * image.Width, random.Next() * image.Height);
        for (var i = 0; i < wanted; i++) Place(canvas, clusters, ref random);
        if (_options.Blur > 0) BoxBlur.Apply(image, random.Next(0, _options.Blur + 1));
        if (_options.Noise > 0) AddNoise(image, ref random);
        return new LabelledImage(image, canvas.Objects());
    }

    private void Place(SceneCanvas canvas, ReadOnlySpan<(double X, double Y)> clusters, ref SceneRandom random)
    {
        Span<byte> colour = stackalloc byte[3];
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var kind = random.Next(0, ClassNames.Count);
            var width = (int)(_options.MinSize + random.Next() * (_options.MaxSize - _options.MinSize));
            var height = Math.Max(4, (int)(width * (0.6 + 0.4 * random.Next())));
            if (random.Next() < 0.5) (width, height) = (height, width);
            if (width > _options.Width || height > _options.Height) continue;
            var sprite = DrawSprite(kind, width, height, ref random);
            if (sprite.Width > _options.Width || sprite.Height > _options.Height) continue;
            var (x, y) = DrawPlace(sprite.Width, sprite.Height, clusters, ref random);
            if (!canvas.TryAdd(sprite, kind, x, y)) continue;
            var mayBeDark = sprite.Shade is null; // dark features need light around them
            foreach (ref var c in colour) c = (byte)(random.Next() < 0.5 && mayBeDark ? random.Next(0, 60) : random.Next(180, 256));
            canvas.Paint(sprite, x, y, colour);
            return;
        }
    }

    private SceneSprite DrawSprite(int kind, int width, int height, ref SceneRandom random)
    {
        if (kind < _options.Shapes.Count) return SceneSprite.Of(_options.Shapes[kind], width, height);
        var items = _options.Items!;
        var ofClass = items.OfClass(kind - _options.Shapes.Count);
        if (ofClass.IsEmpty) return new SceneSprite(0, 0, []);
        return SceneSprite.Of(items, ofClass[random.Next(0, ofClass.Length)], Math.Max(width, height));
    }

    private (int X, int Y) DrawPlace(int width, int height, ReadOnlySpan<(double X, double Y)> clusters, ref SceneRandom random)
    {
        var (mostX, mostY) = (_options.Width - width, _options.Height - height);
        if (clusters.IsEmpty) return (random.Next(0, mostX + 1), random.Next(0, mostY + 1));
        var (centreX, centreY) = clusters[random.Next(0, clusters.Length)];
        var x = (int)(centreX + (2 * random.Next() - 1) * _options.ClusterRadius - width / 2.0);
        var y = (int)(centreY + (2 * random.Next() - 1) * _options.ClusterRadius - height / 2.0);
        return (Math.Clamp(x, 0, mostX), Math.Clamp(y, 0, mostY));
    }

    private void AddNoise(RgbImage image, ref SceneRandom random)
    {
        foreach (ref var sample in image.Pixels.Span) sample = (byte)Math.Clamp(sample + Math.Round(_options.Noise * random.NextNormal()), 0, 255);
    }
}
