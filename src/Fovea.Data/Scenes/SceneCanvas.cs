namespace Fovea.Data;

/// <summary>A scene that objects are put into, one over the other, with the account of which pixel belongs to which.</summary>
internal sealed class SceneCanvas(RgbImage image, SceneOptions options)
{
    private readonly int[] _owners = new int[image.Width * image.Height]; // object of a pixel, counted from 1; 0: the ground
    private readonly List<LabelledObject> _objects = [];
    private readonly List<(int Pixels, int Visible)> _sizes = [];

    /// <summary>Adds an object at a place inside the image, unless its box would overlap another one too much or it would hide too much of
    /// one.</summary>
    /// <param name="sprite">The object.</param>
    /// <param name="kind">Its class.</param>
    /// <param name="left">Column of the sprite's first.</param>
    /// <param name="top">Row of the sprite's first.</param>
    internal bool TryAdd(SceneSprite sprite, int kind, int left, int top)
    {
        if (sprite.Bounds is not { } bounds) return false;
        var box = new LabelledObject(kind, left + bounds.X1, top + bounds.Y1, left + bounds.X2, top + bounds.Y2)
        {
            Points = sprite.Points?.Select((p, i) => p + (i % 2 == 0 ? left : top)).ToArray(),
        };
        if (_objects.Exists(o => Iou(o, box) > options.MaxOverlap)) return false;
        var covered = new int[_objects.Count + 1];
        var pixels = 0;
        for (var y = 0; y < sprite.Height; y++)
            for (var x = 0; x < sprite.Width; x++)
            {
                if (sprite.Alpha[y * sprite.Width + x] == 0) continue;
                pixels++;
                covered[_owners[(top + y) * image.Width + left + x]]++;
            }
        for (var i = 0; i < _objects.Count; i++)
            if (covered[i + 1] > 0 && _sizes[i].Visible - covered[i + 1] < options.MinVisible * _sizes[i].Pixels) return false;
        for (var i = 0; i < _objects.Count; i++) _sizes[i] = _sizes[i] with { Visible = _sizes[i].Visible - covered[i + 1] };
        _objects.Add(box);
        _sizes.Add((pixels, pixels));
        return true;
    }

    /// <summary>Paints the object that was added last.</summary>
    internal void Paint(SceneSprite sprite, int left, int top, ReadOnlySpan<byte> colour)
    {
        var pixels = image.Pixels.Span;
        for (var y = 0; y < sprite.Height; y++)
            for (var x = 0; x < sprite.Width; x++)
            {
                var from = y * sprite.Width + x;
                int alpha = sprite.Alpha[from];
                if (alpha == 0) continue;
                var at = (top + y) * image.Width + left + x;
                _owners[at] = _objects.Count;
                var shade = sprite.Shade?[from] ?? 255;
                for (var c = 0; c < 3; c++)
                {
                    ref var pixel = ref pixels[3 * at + c];
                    pixel = (byte)((pixel * (255 - alpha) + colour[c] * shade / 255 * alpha + 127) / 255);
                }
            }
    }

    /// <summary>All objects, the first one undermost.</summary>
    internal LabelledObject[] Objects()
    {
        var objects = new LabelledObject[_objects.Count];
        for (var i = 0; i < objects.Length; i++)
            objects[i] = _objects[i] with { Visible = (float)_sizes[i].Visible / _sizes[i].Pixels, Mask = options.HasMasks ? new byte[_owners.Length] : null };
        if (!options.HasMasks) return objects;
        for (var at = 0; at < _owners.Length; at++)
            if (_owners[at] is > 0 and var owner) objects[owner - 1].Mask![at] = 1;
        return objects;
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
