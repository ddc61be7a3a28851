using Fovea.Data;

namespace Fovea.Cli.Experiments.SppLength;

/// <summary>Crops with one object each, which takes half to nine tenths of a side: what a region proposal gives a classifier.</summary>
internal static class Crops
{
    /// <summary>One class per shape.</summary>
    internal static int Classes => Shapes.Length;

    private static readonly SceneShape[] Shapes =
        [SceneShape.Square, SceneShape.Disc, SceneShape.Triangle, SceneShape.Ring, SceneShape.Cross, SceneShape.Star, SceneShape.Bar, SceneShape.Face];

    /// <summary>Endless crops of a size in pixels.</summary>
    internal static SceneGenerator Of(int size, long seed) => new(new SceneOptions
    {
        Width = size, Height = size, MinObjects = 1, MaxObjects = 1, MinSize = 0.5 * size, MaxSize = 0.9 * size, HasMasks = false,
        Shapes = Shapes, Grounds = Enum.GetValues<SceneGround>(), Noise = 6,
    }, seed, long.MaxValue);

    /// <summary>Pixels from -1 to 1 and classes of crops [first, first + labels.Length).</summary>
    internal static void Fill(SceneGenerator crops, long first, Span<float> pixels, Span<int> labels)
    {
        var each = pixels.Length / labels.Length;
        for (var i = 0; i < labels.Length; i++)
        {
            var crop = crops.Load(first + i);
            labels[i] = crop.Objects[0].Class;
            var bytes = crop.Image.Pixels.Span;
            for (var k = 0; k < each; k++) pixels[i * each + k] = bytes[k] / 127.5f - 1;
        }
    }
}
