namespace Fovea.Data;

/// <summary>Random changes of training images: mirror, scale, crop, four images in one (Bochkovskiy et al., "YOLOv4", 2020), colours, blur.
/// The result is a function of options, images, seed and draw alone, and has the size of the image it is made from.</summary>
public sealed record SceneAugmentation
{
    /// <summary>How often left and right change places.</summary>
    public double FlipChance { get; init; } = 0.5;

    /// <summary>Least factor of the size; below 1 the image lies somewhere on grey.</summary>
    public double MinScale { get; init; } = 0.8;

    /// <summary>Largest factor of the size; above 1 a part of the image is seen.</summary>
    public double MaxScale { get; init; } = 1.25;

    /// <summary>How often four images meet at a point in the middle half of the result.</summary>
    public double MosaicChance { get; init; }

    /// <summary>Objects with a smaller share of their box left are dropped.</summary>
    public double MinVisible { get; init; } = 0.3;

    /// <summary>Largest change of the factor of brightness from 1.</summary>
    public double Brightness { get; init; } = 0.2;

    /// <summary>Largest change of the factor of contrast from 1.</summary>
    public double Contrast { get; init; } = 0.2;

    /// <summary>Largest change of the factor of saturation from 1.</summary>
    public double Saturation { get; init; } = 0.2;

    /// <summary>Largest turn of the hue either way, in degrees.</summary>
    public double Hue { get; init; } = 10;

    /// <summary>Largest radius of a blur, in pixels; each image draws its own from 0.</summary>
    public int Blur { get; init; }

    /// <summary>Changes nothing; a start for augmentations of one kind.</summary>
    public static SceneAugmentation None { get; } = new()
    {
        FlipChance = 0,
        MinScale = 1,
        MaxScale = 1,
        MinVisible = 0,
        Brightness = 0,
        Contrast = 0,
        Saturation = 0,
        Hue = 0,
    };

    /// <summary>Loads and changes an image.</summary>
    /// <param name="images">Where it and, for mosaics, three more come from.</param>
    /// <param name="index">Which image.</param>
    /// <param name="seed">Of the changes.</param>
    /// <param name="draw">Which changes: another number in every epoch, such as the position in the order of training.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public LabelledImage Apply(ILabelledImages images, long index, long seed, long draw)
    {
        ArgumentNullException.ThrowIfNull(images);
        Validate();
        var image = images.Load(index);
        var random = new SceneRandom(~(ulong)seed, (ulong)draw); // other numbers than those of scenes of the same seed
        var canvas = new LabelledCanvas(image.Image.Width, image.Image.Height);
        if (random.Next() < MosaicChance) LayFour(canvas, images, image, ref random);
        else canvas.Lay(image, Place(image.Image, null, ref random), MinVisible);
        var changed = canvas.ToImage();
        ColourJitter.Apply(changed.Image, Factor(Brightness, ref random), Factor(Contrast, ref random), Factor(Saturation, ref random),
            Hue * (2 * random.Next() - 1));
        BoxBlur.Apply(changed.Image, random.Next(0, Blur + 1));
        return changed;
    }

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(FlipChance is >= 0 and <= 1, FlipChance, nameof(FlipChance));
        Require(MinScale is > 0 and <= 16, MinScale, nameof(MinScale));
        Require(MaxScale >= MinScale && MaxScale <= 16, MaxScale, nameof(MaxScale));
        Require(MosaicChance is >= 0 and <= 1, MosaicChance, nameof(MosaicChance));
        Require(MinVisible is >= 0 and <= 1, MinVisible, nameof(MinVisible));
        Require(Brightness is >= 0 and < 1, Brightness, nameof(Brightness));
        Require(Contrast is >= 0 and < 1, Contrast, nameof(Contrast));
        Require(Saturation is >= 0 and <= 1, Saturation, nameof(Saturation));
        Require(Hue is >= 0 and <= 180, Hue, nameof(Hue));
        Require(Blur is >= 0 and <= 64, Blur, nameof(Blur));
    }

    private static void Require(bool holds, double value, string name)
    {
        if (!holds) throw new ArgumentException($"{name} cannot be {value}", name);
    }

    private static double Factor(double change, ref SceneRandom random) => 1 + change * (2 * random.Next() - 1);

    private void LayFour(LabelledCanvas canvas, ILabelledImages images, LabelledImage first, ref SceneRandom random)
    {
        var (width, height) = (first.Image.Width, first.Image.Height);
        var (x, y) = ((int)(width * (0.25 + random.Next() / 2)), (int)(height * (0.25 + random.Next() / 2)));
        for (var quarter = 0; quarter < 4; quarter++)
        {
            var image = quarter == 0 ? first : images.Load(Math.Min(images.Count - 1, (long)(random.Next() * images.Count)));
            var (isRight, isLower) = (quarter % 2 == 1, quarter / 2 == 1);
            canvas.Lay(image, Place(image.Image, (x, y, isRight, isLower), ref random), isRight ? x : 0, isLower ? y : 0,
                isRight ? width : x, isLower ? height : y, MinVisible);
        }
    }

    // Somewhere so that nothing of the canvas stays empty that the image could cover; in a mosaic with a corner at the common point.
    private ImagePlacement Place(RgbImage image, (int X, int Y, bool IsRight, bool IsLower)? corner, ref SceneRandom random)
    {
        var flips = random.Next() < FlipChance;
        var scale = MinScale + random.Next() * (MaxScale - MinScale);
        var (alongX, alongY) = (random.Next(), random.Next());
        var (width, height) = (scale * image.Width, scale * image.Height);
        var place = corner is { } c
            ? new ImagePlacement(scale, scale, c.IsRight ? c.X : c.X - width, c.IsLower ? c.Y : c.Y - height)
            : new ImagePlacement(scale, scale, Math.Round(alongX * (image.Width - width)), Math.Round(alongY * (image.Height - height)));
        return flips ? place.Flipped(image.Width) : place;
    }
}
