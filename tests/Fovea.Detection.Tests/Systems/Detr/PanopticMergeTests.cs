using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems.Detr;

/// <summary>Classes: 0 a thing, 1 and 2 stuff, 3 "no object".</summary>
public sealed class PanopticMergeTests
{
    private static readonly bool[] IsThing = [true, false, false];

    // A query that is sure of its class.
    private static float[] Sure(int label) => [.. Enumerable.Range(0, 4).Select(c => c == label ? 10f : 0)];

    [Fact]
    public void PixelsGoToTheLargestLogitAndThingsStayApart()
    {
        float[] masks = [3, 3, 3, 3, 3, 0, 0, 0, 0, 0, /**/ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        var (map, segments) = PanopticMerge.Merge([.. Sure(0), .. Sure(0)], masks, IsThing);
        Assert.Equal([1, 1, 1, 1, 1, 2, 2, 2, 2, 2], map);
        Assert.Equal([new PanopticSegment(1, 0), new PanopticSegment(2, 0)], segments);
    }

    [Fact]
    public void UnsureAndEmptyQueriesAreDropped()
    {
        // exp(2)/(exp(2) + 3) = .71 is below .85.
        float[] logits = [.. Sure(3), 2, 0, 0, 0, .. Sure(2)];
        var (map, segments) = PanopticMerge.Merge(logits, [9, 9, 9, 9, 9, /**/ 8, 8, 8, 8, 8, /**/ 1, 1, 1, 1, 1], IsThing);
        Assert.Equal([1, 1, 1, 1, 1], map);
        Assert.Equal([new PanopticSegment(1, 2)], segments);
        (map, segments) = PanopticMerge.Merge(Sure(3), [1, 1, 1, 1, 1], IsThing);
        Assert.Equal(new int[5], map);
        Assert.Empty(segments);
    }

    [Fact]
    public void SmallSegmentsGoAndTheirPixelsAreGivenOutAnew()
    {
        float[] masks = [5, 5, 5, 5, 0, 0, 0, 0, 0, 0, /**/ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        var (map, segments) = PanopticMerge.Merge([.. Sure(0), .. Sure(1)], masks, IsThing);
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], map);
        Assert.Equal([new PanopticSegment(1, 1)], segments);
        (map, _) = PanopticMerge.Merge([.. Sure(0), .. Sure(1)], masks, IsThing, new PanopticMergeOptions { SmallArea = 3 });
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2, 2, 2], map);
    }

    // Queries 0 and 2 are the same stuff, query 1 is another. Where query 2 won, query 1 comes second in the last pixels: once query 2 is dropped
    // for its empty area, the authors' code gives them to query 1.
    [Fact]
    public void StuffMergesOnceAsPublishedOrForGood()
    {
        float[] masks =
        [
            9, 9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 2, 2, 2, 2, 2,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9,
        ];
        float[] logits = [.. Sure(1), .. Sure(2), .. Sure(1)];
        var (map, segments) = PanopticMerge.Merge(logits, masks, IsThing);
        Assert.Equal([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], map);
        Assert.Equal([new PanopticSegment(1, 1), new PanopticSegment(2, 2)], segments);
        (map, segments) = PanopticMerge.Merge(logits, masks, IsThing, new PanopticMergeOptions { MergesStuffOnce = false });
        Assert.Equal([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1], map);
        Assert.Equal([new PanopticSegment(1, 1), new PanopticSegment(2, 2)], segments);
    }

    [Fact]
    public void ItsResultIsWhatPanopticQualityReads()
    {
        float[] masks = [3, 3, 3, 3, 3, 0, 0, 0, 0, 0, /**/ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        var (map, segments) = PanopticMerge.Merge([.. Sure(0), .. Sure(2)], masks, IsThing);
        var quality = new PanopticQuality(3);
        quality.Add(map, segments, map, segments);
        Assert.Equal(1, quality.Mean([0, 2]).Pq);
    }

    [Fact]
    public void SizesThatDoNotFitAreRefused() =>
        Assert.Throws<ArgumentException>(() => PanopticMerge.Merge(new float[8], new float[7], IsThing));
}
