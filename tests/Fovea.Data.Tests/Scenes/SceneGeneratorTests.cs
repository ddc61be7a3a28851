using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class SceneGeneratorTests
{
    private static readonly SceneOptions Rich = new()
    {
        Width = 80, Height = 64, MinObjects = 4, MaxObjects = 9, MinSize = 6, MaxSize = 30, MaxOverlap = 0.6, Shapes = Enum.GetValues<SceneShape>(),
        Grounds = Enum.GetValues<SceneGround>(), Noise = 4, Blur = 1, Clusters = 2,
    };

    // Bytes that every machine must make: whoever changes the look of scenes changes all results that were reported for them.
    [Theory]
    [InlineData(false, "c2d14375e3d80dc44c8dc1c58a7a55a36f5249e8d039b2bd5677ec45c542693e")]
    [InlineData(true, "3fe6334b2e5eba9044159081d3f19c78b0f2e7e58e7a172af177b78be31139a2")]
    public void ScenesAreTheSameBytesEverywhere(bool isRich, string expected)
    {
        var scenes = new SceneGenerator(isRich ? Rich : new SceneOptions(), seed: 5, count: 1L << 40);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var index in (long[])[0, 1, 2, (1L << 40) - 1]) hash.AppendData(Bytes(scenes.Load(index)));
        Assert.Equal(expected, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    [Fact]
    public void AnyThreadInAnyOrderMakesTheSameScene()
    {
        var scenes = new SceneGenerator(Rich, seed: 3, count: 24);
        byte[][] expected = [.. Enumerable.Range(0, 24).Select(i => Bytes(scenes.Load(i)))];
        Parallel.For(0, 48, i => Assert.Equal(expected[23 - i % 24], Bytes(new SceneGenerator(Rich, seed: 3, count: 24).Load(23 - i % 24))));
        Assert.Equal(24, expected.Select(Convert.ToHexString).Distinct().Count());
        Assert.NotEqual(expected[0], Bytes(new SceneGenerator(Rich, seed: 4, count: 24).Load(0)));
    }

    public static TheoryData<SceneShape> Shapes => [.. Enum.GetValues<SceneShape>()];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void BoxesOfUncoveredObjectsAreTightAroundTheirMasks(SceneShape shape)
    {
        var scenes = new SceneGenerator(new SceneOptions { Shapes = [shape], MinSize = 6, MaxSize = 40, MaxOverlap = 0 }, seed: 1, count: 6);
        foreach (var scene in All(scenes))
            foreach (var o in scene.Objects)
            {
                Assert.Equal(1, o.Visible);
                Assert.Equal((o.X1, o.Y1, o.X2, o.Y2), Tight(o, scene.Image.Width, scene.Image.Height));
            }
    }

    // Seen by a shape of 64 pixels: each differs from every other, and its area is that of the formula within the pixels of its outline.
    [Fact]
    public void ShapesHaveTheirAreas()
    {
        const int side = 64;
        double lens = Math.Sqrt(1 - 0.7 * 0.7); // area of a slanted ellipse, in those of the disc
        var areas = new Dictionary<SceneShape, double>
        {
            [SceneShape.Square] = 1, [SceneShape.Disc] = Math.PI / 4, [SceneShape.Triangle] = 0.5, [SceneShape.Ring] = Math.PI / 4 * (1 - 0.55 * 0.55),
            [SceneShape.Cross] = 5.0 / 9, [SceneShape.Bar] = 1.0 / 3, [SceneShape.Ellipse] = Math.PI / 4 * lens, [SceneShape.Face] = Math.PI / 4,
            // Ten triangles between the centre, a tip and an inner corner, in a box of 2 by 2.
            [SceneShape.Star] = 5 * Math.Sin(Math.PI / 5) * (Math.Cos(2 * Math.PI / 5) / Math.Cos(Math.PI / 5)) / 4,
        };
        foreach (var shape in Enum.GetValues<SceneShape>())
        {
            var drawn = SceneSprite.Of(shape, side, side).Alpha.Count(a => a > 0);
            Assert.InRange(drawn / (double)(side * side), areas[shape] - 0.03, areas[shape] + 0.03);
        }
        var face = SceneSprite.Of(SceneShape.Face, side, side).Shade!;
        Assert.True(face[24 * side + 19] < 255 && face[24 * side + 44] < 255 && face[48 * side + 32] < 255, "eyes and mouth are dark");
        Assert.Equal(255, face[32 * side + 32]);
    }

    [Fact]
    public void FacesKnowTheirLandmarks()
    {
        var options = new SceneOptions { MinObjects = 1, MaxObjects = 1, MinSize = 40, Shapes = [SceneShape.Face] };
        foreach (var (image, objects) in All(new SceneGenerator(options, seed: 4, count: 3)))
        {
            var face = Assert.Single(objects);
            var shares = face.Points!.Select((p, i) => i % 2 == 0 ? (p - face.X1) / (face.X2 - face.X1) : (p - face.Y1) / (face.Y2 - face.Y1)).ToArray();
            Assert.Equal([0.3f, 0.375f, 0.7f, 0.375f, 0.5f, 0.55f, 0.275f, 0.75f, 0.725f, 0.75f], shares, (a, b) => Math.Abs(a - b) < 1e-5);
            // The eyes are dark, the nose is as light as the face.
            var brightness = Enumerable.Range(0, 3).Select(i => (int)image.Pixels.Span[3 * ((int)face.Points![2 * i + 1] * image.Width + (int)face.Points[2 * i])]).ToArray();
            Assert.True(brightness[0] < 60 && brightness[1] < 60 && brightness[2] >= 180, string.Join(' ', brightness));
        }
        Assert.All(new SceneGenerator(new SceneOptions(), 1, 1).Load(0).Objects, o => Assert.Null(o.Points));
    }

    [Fact]
    public void CrowdsKeepTheirLimits()
    {
        var options = new SceneOptions
        {
            Width = 160, Height = 128, MinObjects = 60, MaxObjects = 60, MinSize = 6, MaxSize = 24, MaxOverlap = 0.7, MinVisible = 0.4, Clusters = 3, ClusterRadius = 30,
        };
        var (overlaps, hidden, all) = (0, 0, 0);
        foreach (var scene in All(new SceneGenerator(options, seed: 2, count: 2)))
        {
            Assert.InRange(scene.Objects.Count, 40, 60);
            var owners = new int[160 * 128];
            foreach (var o in scene.Objects)
            {
                all++;
                Assert.InRange(Math.Max(o.X2 - o.X1, o.Y2 - o.Y1), 3, 24);
                Assert.True(o.X1 >= 0 && o.Y1 >= 0 && o.X2 <= 160 && o.Y2 <= 128);
                Assert.InRange(o.Visible, 0.4f, 1);
                var tight = Tight(o, 160, 128);
                Assert.True(tight.X1 >= o.X1 && tight.Y1 >= o.Y1 && tight.X2 <= o.X2 && tight.Y2 <= o.Y2);
                for (var i = 0; i < owners.Length; i++) owners[i] += o.Mask![i];
                if (o.Visible < 1) hidden++;
                foreach (var other in scene.Objects)
                    if (!ReferenceEquals(o, other) && Iou(o, other) is var iou and > 0)
                    {
                        overlaps++;
                        Assert.InRange(iou, 0, 0.7);
                    }
            }
            Assert.True(owners.Max() == 1, "a pixel shows one object");
        }
        Assert.True(overlaps > 4 * 60 && hidden > all / 4, "crowds overlap");
    }

    [Fact]
    public void ClustersGatherObjects()
    {
        var apart = new SceneOptions { Width = 256, Height = 256, MinObjects = 20, MaxObjects = 20, MinSize = 6, MaxSize = 8, MaxOverlap = 0.9 };
        var together = apart with { Clusters = 1, ClusterRadius = 20 };
        foreach (var scene in All(new SceneGenerator(together, seed: 1, count: 4)))
            Assert.True(scene.Objects.Max(o => o.X1) - scene.Objects.Min(o => o.X1) <= 41);
        Assert.All(All(new SceneGenerator(apart, seed: 1, count: 4)), s => Assert.True(s.Objects.Max(o => o.X1) - s.Objects.Min(o => o.X1) > 100));
    }

    [Fact]
    public void GroundsNoiseAndBlurShow()
    {
        var empty = new SceneOptions { MinObjects = 0, MaxObjects = 0 };
        foreach (var ground in Enum.GetValues<SceneGround>())
            Assert.InRange(Roughness(new SceneGenerator(empty with { Grounds = [ground] }, 1, 1).Load(0)), 5, 14);
        var plain = Roughness(new SceneGenerator(empty, 1, 1).Load(0));
        // Noise of deviation s adds 2 s^2 to the square of the difference of neighbours.
        Assert.True(Roughness(new SceneGenerator(empty with { Noise = 20 }, 1, 1).Load(0)) > plain + 10);
        Assert.Contains(All(new SceneGenerator(empty with { Blur = 2 }, 1, 8)), s => Roughness(s) < plain / 2);
    }

    [Fact]
    public void MasksAreLeftOutWhereNotWanted()
    {
        var with = new SceneGenerator(new SceneOptions(), 1, 1).Load(0);
        var without = new SceneGenerator(new SceneOptions { HasMasks = false }, 1, 1).Load(0);
        Assert.Equal(with.Image.Pixels.ToArray(), without.Image.Pixels.ToArray());
        Assert.Equal(with.Objects.Select(o => o with { Mask = null }), without.Objects);
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        var good = new SceneOptions();
        foreach (var (options, message) in new (SceneOptions, string)[]
        {
            (good with { Width = 3 }, "3x96"),
            (good with { Height = 20000 }, "96x20000"),
            (good with { MinObjects = 5 }, "from 5 to 4 objects"),
            (good with { MinObjects = -1 }, "from -1"),
            (good with { MinSize = 3 }, "from 3 to 48 pixels"),
            (good with { MaxSize = 13 }, "from 14 to 13 pixels"),
            (good with { MaxSize = double.NaN }, "NaN"),
            (good with { Width = 12 }, "do not fit into 12x96"),
            (good with { MaxOverlap = 0.95 }, "MaxOverlap"),
            (good with { MinVisible = double.NaN }, "MinVisible"),
            (good with { Clusters = -1 }, "Clusters"),
            (good with { ClusterRadius = double.PositiveInfinity }, "ClusterRadius"),
            (good with { Noise = -1 }, "Noise"),
            (good with { Blur = 65 }, "Blur"),
            (good with { Grounds = [] }, "no ground"),
            (good with { Shapes = [] }, "nothing to draw"),
            (good with { Shapes = [SceneShape.Disc, SceneShape.Disc] }, "occurs twice"),
            (good with { Shapes = [(SceneShape)99] }, "unknown"),
        })
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => new SceneGenerator(options, 1, 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SceneGenerator(good, 1, 1).Load(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SceneGenerator(good, 1, 1).Load(-1));
    }

    private static IEnumerable<LabelledImage> All(SceneGenerator scenes) => Enumerable.Range(0, (int)scenes.Count).Select(i => scenes.Load(i));

    private static byte[] Bytes(LabelledImage scene) =>
    [
        .. scene.Image.Pixels.Span,
        .. scene.Objects.SelectMany(o => (byte[])
            [(byte)o.Class, .. MemoryMarshal.AsBytes<float>([o.X1, o.Y1, o.X2, o.Y2, o.Visible]), .. o.Mask!]),
    ];

    private static (float X1, float Y1, float X2, float Y2) Tight(LabelledObject o, int width, int height)
    {
        var inside = Enumerable.Range(0, width * height).Where(i => o.Mask![i] == 1).ToArray();
        return (inside.Min(i => i % width), inside.Min(i => i / width), inside.Max(i => i % width) + 1, inside.Max(i => i / width) + 1);
    }

    private static double Iou(LabelledObject a, LabelledObject b)
    {
        var width = Math.Max(0, Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1));
        var intersection = width * Math.Max(0, Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1));
        return intersection / ((a.X2 - a.X1) * (a.Y2 - a.Y1) + (b.X2 - b.X1) * (b.Y2 - b.Y1) - intersection);
    }

    // Root of the mean square of the differences of red between neighbours; uniform grain of +-12 alone gives 10.2.
    private static double Roughness(LabelledImage scene)
    {
        var pixels = scene.Image.Pixels.ToArray();
        return Math.Sqrt(Enumerable.Range(1, pixels.Length / 3 - 1).Average(i => Math.Pow(pixels[3 * i] - pixels[3 * i - 3], 2)));
    }
}
