using Xunit;

namespace Fovea.Data.Tests;

public sealed class LabelledCanvasTests
{
    private static readonly SceneGenerator Scenes = new(
        new SceneOptions { Width = 60, Height = 44, MinSize = 8, MaxSize = 24, MaxOverlap = 0, Shapes = Enum.GetValues<SceneShape>() }, seed: 9, count: 30);

    [Fact]
    public void TheIdentityChangesNoByte()
    {
        var scene = Scenes.Load(0);
        var same = Laid(scene, ImagePlacement.Identity);
        Assert.Equal(scene.Image.Pixels.ToArray(), same.Image.Pixels.ToArray());
        AssertEqual(scene.Objects, same.Objects);
        var twice = Laid(Laid(scene, ImagePlacement.Identity.Flipped(60)), ImagePlacement.Identity.Flipped(60));
        Assert.Equal(scene.Image.Pixels.ToArray(), twice.Image.Pixels.ToArray());
        AssertEqual(scene.Objects, twice.Objects);
    }

    public static TheoryData<double, double, double, double> WholePixels => new()
    {
        { -1, 1, 60, 0 }, { 1, -1, 0, 44 }, { 1, 1, 13, -9 }, { 2, 2, -31, -17 }, { 2, 3, 0, 0 }, { -2, 1, 101, 5 }, { 1, 1, 59, 43 },
    };

    // Under whole-pixel moves every target pixel shows one source pixel, and boxes are the tight ones of the moved masks, cut or not.
    [Theory]
    [MemberData(nameof(WholePixels))]
    public void BoxesAndMasksFollowExactly(double scaleX, double scaleY, double offsetX, double offsetY)
    {
        var place = new ImagePlacement(scaleX, scaleY, offsetX, offsetY);
        for (var index = 0; index < 8; index++)
        {
            var scene = Scenes.Load(index);
            var moved = Laid(scene, place);
            var left = 0;
            foreach (var o in scene.Objects)
            {
                var mask = new byte[60 * 44];
                for (var y = 0; y < 44; y++)
                    for (var x = 0; x < 60; x++)
                    {
                        var (fromX, fromY) = ((int)Math.Floor((x + 0.5 - offsetX) / scaleX), (int)Math.Floor((y + 0.5 - offsetY) / scaleY));
                        if (fromX is >= 0 and < 60 && fromY is >= 0 and < 44) mask[60 * y + x] = o.Mask![60 * fromY + fromX];
                    }
                if (PixelBounds.Of(mask, 60, 44) is not { } tight) continue;
                var found = moved.Objects[left++];
                Assert.Equal((o.Class, tight.X1, tight.Y1, tight.X2, tight.Y2), (found.Class, (int)found.X1, (int)found.Y1, (int)found.X2, (int)found.Y2));
                Assert.Equal(mask, found.Mask);
                if (scaleX * scaleX == 1 && scaleY * scaleY == 1) AssertPixelsMoved(scene.Image, moved.Image, place, mask);
            }
            Assert.Equal(left, moved.Objects.Count);
        }
    }

    [Fact]
    public void WhatNothingCoversIsGreyAndCutObjectsAreDropped()
    {
        var scene = new LabelledImage(new RgbImage(10, 10), [new LabelledObject(0, 0, 0, 8, 8), new LabelledObject(1, 2, 6, 4, 10)]);
        var canvas = new LabelledCanvas(10, 10);
        canvas.Lay(scene, new ImagePlacement(1, 1, 5, 0), minVisible: 0.5);
        var moved = canvas.ToImage();
        // 5 of the first object's 8 columns are left, the second lies where it was.
        Assert.Equal([new LabelledObject(0, 5, 0, 10, 8), new LabelledObject(1, 7, 6, 9, 10)], moved.Objects);
        Assert.Equal(114, moved.Image.Pixels.Span[0]);
        Assert.Equal(0, moved.Image.Pixels.Span[15]);
        canvas = new LabelledCanvas(10, 10);
        canvas.Lay(scene, new ImagePlacement(1, 1, 6.5, 0), minVisible: 0.5);
        Assert.Equal([new LabelledObject(1, 8.5f, 6, 10, 10)], canvas.ToImage().Objects);
        canvas = new LabelledCanvas(10, 10);
        canvas.Lay(scene, new ImagePlacement(1, 1, 10, 0));
        Assert.Empty(canvas.ToImage().Objects);
        Assert.All(canvas.ToImage().Image.Pixels.ToArray(), p => Assert.Equal(114, p));
    }

    [Fact]
    public void ShrinkingTakesMeansAndGrowingInterpolates()
    {
        var line = new RgbImage(8, 1);
        for (var i = 0; i < 24; i++) line.Pixels.Span[i] = (byte)(10 * (i / 3));
        var half = new LabelledCanvas(4, 1);
        half.Lay(new LabelledImage(line, []), new ImagePlacement(0.5, 1, 0, 0));
        // Weights 1 3 3 1 around each pair: a ramp stays a ramp, except at its ends, where the first or last weight has no pixel.
        Assert.Equal([(byte)Math.Round((3 * 0 + 3 * 10 + 20) / 7.0), 25, 45, (byte)Math.Round((50 + 3 * 60 + 3 * 70) / 7.0)], Reds(half));
        var twice = new LabelledCanvas(4, 1);
        twice.Lay(new LabelledImage(line, []), new ImagePlacement(2, 1, -6, 0));
        // Centres at 2.75, 3.25, 3.75, 4.25 pixels, rounded to even.
        Assert.Equal([28, 32, 38, 42], Reds(twice));
    }

    [Fact]
    public void PointsOfAMirroredFaceChangeSides()
    {
        var face = new LabelledObject(0, 10, 10, 30, 30) { Points = [15, 16, 25, 17, 20, 20, 16, 25, 24, 26] };
        var mirrored = Laid(new LabelledImage(new RgbImage(60, 44), [face]), new ImagePlacement(-1, 1, 60, 5));
        Assert.Equal([35, 22, 45, 21, 40, 25, 36, 31, 44, 30], Assert.Single(mirrored.Objects).Points!);
    }

    [Fact]
    public void LetterboxesKeepProportions()
    {
        Assert.Equal(new ImagePlacement(0.5, 0.5, 0, 12), ImagePlacement.Letterbox(200, 151, 100));
        Assert.Equal(new ImagePlacement(0.5, 0.5, 12, 0), ImagePlacement.Letterbox(151, 200, 100));
        Assert.Equal(new ImagePlacement(0.5, 2, 0, 0), ImagePlacement.Stretch(200, 50, 100));
        Assert.Equal((20, 3, 30, 7), new ImagePlacement(-1, 2, 40, 1).Map(10, 1, 20, 3));
        Assert.Throws<ArgumentException>(() => new LabelledCanvas(4, 4).Lay(Scenes.Load(0), new ImagePlacement(0, 1, 0, 0)));
        Assert.Throws<ArgumentException>(() => new LabelledCanvas(4, 4).Lay(Scenes.Load(0), new ImagePlacement(1, 1, double.NaN, 0)));
    }

    private static LabelledImage Laid(LabelledImage scene, ImagePlacement place)
    {
        var canvas = new LabelledCanvas(60, 44);
        canvas.Lay(scene, place);
        return canvas.ToImage();
    }

    private static byte[] Reds(LabelledCanvas canvas) => [.. canvas.ToImage().Image.Pixels.ToArray().Where((_, i) => i % 3 == 0)];

    private static void AssertPixelsMoved(RgbImage from, RgbImage to, ImagePlacement place, byte[] mask)
    {
        foreach (var at in Enumerable.Range(0, mask.Length).Where(i => mask[i] == 1))
        {
            var (x, y) = ((int)Math.Floor((at % 60 + 0.5 - place.OffsetX) / place.ScaleX), (int)Math.Floor((at / 60 + 0.5 - place.OffsetY) / place.ScaleY));
            Assert.Equal(from.Pixels.Span[3 * (60 * y + x)], to.Pixels.Span[3 * at]);
        }
    }

    private static void AssertEqual(IReadOnlyList<LabelledObject> expected, IReadOnlyList<LabelledObject> actual)
    {
        Assert.Equal(expected.Select(o => o with { Mask = null, Points = null }), actual.Select(o => o with { Mask = null, Points = null }));
        // Mirrored twice, points are off by roundings: half a unit of 60 in single precision each time.
        foreach (var (there, here) in expected.Zip(actual))
        {
            Assert.Equal(there.Points?.Length, here.Points?.Length);
            for (var i = 0; i < there.Points?.Length; i++) Assert.Equal(there.Points[i], here.Points![i], 8e-6f);
        }
        Assert.Equal(expected.Select(o => o.Mask), actual.Select(o => o.Mask));
    }
}
