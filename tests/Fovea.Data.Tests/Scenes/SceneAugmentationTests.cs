using Xunit;

namespace Fovea.Data.Tests;

public sealed class SceneAugmentationTests
{
    private static readonly SceneGenerator Scenes = new(new SceneOptions { Width = 64, Height = 64, MaxSize = 30, MaxOverlap = 0 }, seed: 4, count: 20);

    [Fact]
    public void NoneChangesNoByte()
    {
        var same = SceneAugmentation.None.Apply(Scenes, 3, seed: 1, draw: 2);
        Assert.Equal(Scenes.Load(3).Image.Pixels.ToArray(), same.Image.Pixels.ToArray());
        Assert.Equal(Scenes.Load(3).Objects.Select(o => o with { Mask = null }), same.Objects.Select(o => o with { Mask = null }));
    }

    [Fact]
    public void TheResultDependsOnSeedAndDrawAlone()
    {
        var all = new SceneAugmentation { MosaicChance = 0.5, Blur = 1 };
        byte[] Of(long seed, long draw) => all.Apply(Scenes, 5, seed, draw).Image.Pixels.ToArray();
        var expected = Enumerable.Range(0, 12).Select(i => Of(1, i)).ToArray();
        Parallel.For(0, 24, i => Assert.Equal(expected[11 - i % 12], Of(1, 11 - i % 12)));
        Assert.Equal(12, expected.Select(Convert.ToHexString).Distinct().Count());
        Assert.NotEqual(expected[0], Of(2, 0));
    }

    [Fact]
    public void AFlipMirrorsPixelsAndBoxes()
    {
        var (scene, flipped) = (Scenes.Load(1), (SceneAugmentation.None with { FlipChance = 1 }).Apply(Scenes, 1, 1, 1));
        for (var i = 0; i < 64 * 64; i++) Assert.Equal(scene.Image.Pixels.Span[3 * i], flipped.Image.Pixels.Span[3 * (i / 64 * 64 + 63 - i % 64)]);
        Assert.Equal(scene.Objects.Select(o => (64 - o.X2, 64 - o.X1)), flipped.Objects.Select(o => (o.X1, o.X2)));
    }

    [Fact]
    public void EnlargedPartsKeepBoxesAroundTheirObjects()
    {
        var enlarge = SceneAugmentation.None with { MinScale = 2, MaxScale = 2, MinVisible = 0.2 };
        var cut = 0;
        for (var draw = 0; draw < 20; draw++)
            foreach (var o in enlarge.Apply(Scenes, draw, 1, draw).Objects)
            {
                Assert.Equal(((int)o.X1, (int)o.Y1, (int)o.X2, (int)o.Y2), PixelBounds.Of(o.Mask, 64, 64));
                if (o.X1 == 0 || o.Y1 == 0 || o.X2 == 64 || o.Y2 == 64) cut++;
            }
        Assert.True(cut > 0, "some objects are cut");
    }

    [Fact]
    public void AMosaicShowsFourImages()
    {
        var white = new Coloured();
        var mosaic = (SceneAugmentation.None with { MosaicChance = 1 }).Apply(white, 7, 1, 3);
        // Image k is filled with k all over, and its one object too.
        var corners = new[] { 0, 31, 32 * 31, 32 * 32 - 1 }.Select(i => (int)mosaic.Image.Pixels.Span[3 * i]).ToArray();
        Assert.Equal(7, corners[0]);
        Assert.Equal(corners, mosaic.Objects.Select(o => o.Class));
        var (x, y) = (mosaic.Objects[0].X2, mosaic.Objects[0].Y2);
        Assert.Equal([(0, 0, x, y), (x, 0, 32, y), (0, y, x, 32), (x, y, 32, 32)], mosaic.Objects.Select(o => (o.X1, o.Y1, o.X2, o.Y2)));
        Assert.InRange(x, 8, 24);
        Assert.InRange(y, 8, 24);
        for (var i = 0; i < 32 * 32; i++)
            Assert.Equal(corners[(i % 32 >= x ? 1 : 0) + (i / 32 >= y ? 2 : 0)], mosaic.Image.Pixels.Span[3 * i]);
    }

    [Fact]
    public void ColoursChangeAsTheirFormulasSay()
    {
        byte[] Of(double brightness, double contrast, double saturation, double hue)
        {
            var image = new RgbImage(2, 1, new byte[] { 100, 100, 100, 200, 50, 0 });
            ColourJitter.Apply(image, brightness, contrast, saturation, hue);
            return image.Pixels.ToArray();
        }
        Assert.Equal([100, 100, 100, 200, 50, 0], Of(1, 1, 1, 0));
        Assert.Equal([150, 150, 150, 255, 75, 0], Of(1.5, 1, 1, 0));
        // Luma of the second pixel: 0.299 * 200 + 0.587 * 50 = 89.15; mean 94.575.
        Assert.Equal([97, 97, 97, 147, 72, 47], Of(1, 0.5, 1, 0));
        Assert.Equal([100, 100, 100, 89, 89, 89], Of(1, 1, 0, 0));
        // A third of a turn makes red green, green blue, blue red.
        Assert.Equal([100, 100, 100, 0, 200, 50], Of(1, 1, 1, 120));
    }

    [Fact]
    public void BlurTakesMeansOfWindows()
    {
        var image = new RgbImage(5, 1);
        for (var c = 0; c < 3; c++) image.Pixels.Span[3 * 2 + c] = 90;
        BoxBlur.Apply(image, 1);
        Assert.Equal([0, 30, 30, 30, 0], image.Pixels.ToArray().Where((_, i) => i % 3 == 0).Select(p => (int)p));
        var corner = new RgbImage(2, 2);
        corner.Pixels.Span[0] = 100;
        BoxBlur.Apply(corner, 3);
        Assert.Equal(25, corner.Pixels.Span[9]);
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        var none = SceneAugmentation.None;
        foreach (var (bad, name) in new (SceneAugmentation, string)[]
        {
            (none with { FlipChance = 1.1 }, "FlipChance"), (none with { MinScale = 0 }, "MinScale"), (none with { MaxScale = 0.5 }, "MaxScale"),
            (none with { MaxScale = double.NaN }, "MaxScale"), (none with { MosaicChance = -1 }, "MosaicChance"), (none with { MinVisible = 2 }, "MinVisible"),
            (none with { Brightness = 1 }, "Brightness"), (none with { Contrast = 1 }, "Contrast"), (none with { Saturation = 1.5 }, "Saturation"),
            (none with { Hue = 181 }, "Hue"), (none with { Blur = -1 }, "Blur"),
        })
            Assert.Equal(name, Assert.Throws<ArgumentException>(() => bad.Apply(Scenes, 0, 1, 1)).ParamName);
    }

    private sealed class Coloured : ILabelledImages
    {
        public long Count => 20;

        public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, 20).Select(i => $"{i}")];

        public LabelledImage Load(long index)
        {
            var image = new RgbImage(32, 32);
            image.Pixels.Span.Fill((byte)index);
            return new LabelledImage(image, [new LabelledObject((int)index, 0, 0, 32, 32)]);
        }
    }
}
