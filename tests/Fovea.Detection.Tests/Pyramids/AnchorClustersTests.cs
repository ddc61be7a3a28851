using Fovea.Data;
using Fovea.Detection.Assignment;
using Fovea.Detection.Pyramids;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class AnchorClustersTests
{
    [Fact]
    public void ShapesOverlapOnACommonCorner()
    {
        Assert.Equal(1, ShapeIou.Of((3, 5), (3, 5)));
        Assert.Equal(2.0 / 6, ShapeIou.Of((2, 2), (1, 4)));
        Assert.Equal(0.25, ShapeIou.Of((1, 1), (2, 2)));
        Assert.Equal(0, ShapeIou.Of((0, 0), (0, 0)));
        Assert.Equal((1, 1.0), ShapeIou.Best((2, 2), [(1, 4), (2, 2), (2, 2)]));
    }

    // Two flat, two tall, two large ones.
    [Fact]
    public void SizesOfOneShapeAreOneCluster()
    {
        (float, float)[] sizes = [(100, 90), (8, 2), (3, 10), (10, 2), (90, 100), (2, 9)];
        var anchors = AnchorClusters.Of(sizes, 3, out var meanIou);
        Assert.Equal([(9f, 2f), (2.5f, 9.5f), (95f, 95f)], anchors);
        // 16/18 and 18/20 of the flat ones; of the tall ones 23.75/30 and 18/23.75; 8550/9475 of the large ones.
        Assert.Equal((16 / 18.0 + 18 / 20.0 + 23.75 / 30 + 18 / 23.75 + 2 * 8550 / 9475.0) / 6, meanIou, 1e-12);
        Assert.Equal(anchors, AnchorClusters.Of([.. sizes.Reverse()], 3, out _));
    }

    // What it ends with is a fixed point: every mean is that of the sizes it is best for.
    [Fact]
    public void EveryAnchorIsTheMeanOfItsSizes()
    {
        var random = new Random(2);
        (float Width, float Height)[] sizes = [.. Enumerable.Range(0, 200).Select(_ => (1 + 40 * random.NextSingle(), 1 + 40 * random.NextSingle()))];
        var anchors = AnchorClusters.Of(sizes, 6, out var meanIou);
        var groups = sizes.GroupBy(s => ShapeIou.Best(s, anchors).Index).ToArray();
        Assert.Equal(6, groups.Length);
        foreach (var group in groups)
        {
            Assert.Equal(group.Average(s => (double)s.Width), anchors[group.Key].Width, 1e-4);
            Assert.Equal(group.Average(s => (double)s.Height), anchors[group.Key].Height, 1e-4);
        }
        AnchorClusters.Of(sizes, 1, out var ofOne);
        Assert.True(meanIou > ofOne + 0.1);
        Assert.Equal(anchors.OrderBy(a => a.Width * a.Height), anchors);
    }

    [Fact]
    public void TheAnchorsForScenesAreAsGoodAsTheirClusters()
    {
        var scenes = new SceneGenerator(new SceneOptions(), seed: 1, count: 300);
        (float, float)[] sizes = [.. Enumerable.Range(0, 300).SelectMany(i => scenes.Load(i).Objects).Select(o => (o.X2 - o.X1, o.Y2 - o.Y1))];
        AnchorClusters.Of(sizes, 5, out var meanIou);
        // Rounded to pixels, and of scenes as they were once: a hundredth is what that may cost.
        var ofSystem = sizes.Average(s => ShapeIou.Best(s, [.. YoloV2System.SceneAnchors]).Iou);
        Assert.InRange(ofSystem, meanIou - 0.01, 1);
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => AnchorClusters.Of([(1, 1)], 2, out _));
        Assert.Throws<ArgumentException>(() => AnchorClusters.Of([(1, 1)], 0, out _));
        Assert.Throws<ArgumentException>(() => AnchorClusters.Of([(1, 0)], 1, out _));
        Assert.Throws<ArgumentException>(() => AnchorClusters.Of([(float.NaN, 1)], 1, out _));
    }
}
