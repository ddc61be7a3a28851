using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class MaxIouMatcherTests
{
    // Anchors: 0 good, 1 between the thresholds, 2 and 3 the equal best of the second object, though below both; 3 overlaps the first more.
    private static readonly float[] Overlaps =
    [
        0.9f, 0.5f, 0.1f, 0.29f,
        0.2f, 0.0f, 0.25f, 0.25f,
    ];

    [Fact]
    public void TiesOfAnObjectsBestAllKeepTheirOwnBest()
    {
        var matches = new int[4];
        MaxIouMatcher.Match(Overlaps, 0.3f, 0.7f, keepsLowQuality: true, matches);
        Assert.Equal([0, MaxIouMatcher.Ignored, 1, 0], matches);
        MaxIouMatcher.Match(Overlaps, 0.3f, 0.7f, keepsLowQuality: false, matches);
        Assert.Equal([0, MaxIouMatcher.Ignored, MaxIouMatcher.Background, MaxIouMatcher.Background], matches);
    }

    [Fact]
    public void ThresholdsThemselvesBelongAbove()
    {
        var matches = new int[3];
        MaxIouMatcher.Match([0.3f, 0.7f, 0.29999998f], 0.3f, 0.7f, keepsLowQuality: false, matches);
        Assert.Equal([MaxIouMatcher.Ignored, 0, MaxIouMatcher.Background], matches);
    }

    [Fact]
    public void EqualOverlapsGoToTheLowestObject()
    {
        var matches = new int[1];
        MaxIouMatcher.Match([0.8f, 0.8f], 0.3f, 0.7f, keepsLowQuality: true, matches);
        Assert.Equal([0], matches);
    }

    [Fact]
    public void AnObjectThatTouchesNothingClaimsNothing()
    {
        var matches = new int[2];
        MaxIouMatcher.Match([0, 0, float.NaN, 0.6f], 0.3f, 0.7f, keepsLowQuality: true, matches);
        Assert.Equal([MaxIouMatcher.Background, 1], matches);
        MaxIouMatcher.Match([], 0.3f, 0.7f, keepsLowQuality: true, matches);
        Assert.Equal([MaxIouMatcher.Background, MaxIouMatcher.Background], matches);
        MaxIouMatcher.Match([], 0.3f, 0.7f, keepsLowQuality: true, []);
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        var matches = new int[2];
        Assert.Throws<ArgumentException>(() => MaxIouMatcher.Match([1, 2, 3], 0.3f, 0.7f, true, matches));
        Assert.Throws<ArgumentException>(() => MaxIouMatcher.Match([1], 0.3f, 0.7f, true, []));
        Assert.Throws<ArgumentException>(() => MaxIouMatcher.Match([1, 2], 0.7f, 0.3f, true, matches));
        Assert.Throws<ArgumentException>(() => MaxIouMatcher.Match([1, 2], float.NaN, 0.3f, true, matches));
    }

    [Fact]
    public void OverlapsAreThoseOfTheKernel()
    {
        using var stream = Device.Cpu.CreateStream();
        var random = new Random(3);
        var boxes = Enumerable.Range(0, 17).SelectMany(_ => Box()).ToArray();
        boxes[2] = boxes[0]; // no area
        using var a = DeviceTensor.From<float>(stream, boxes, 17, 4);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, 17, 17);
        Kernels.BoxOverlaps(stream, a, a, y);
        var expected = y.ToArray<float>(stream);
        var table = BoxOverlap.Table(boxes, boxes);
        for (var i = 0; i < table.Length; i++) Assert.Equal(expected[i], table[i], 1e-6f);

        float[] Box()
        {
            var (x, y) = (random.NextSingle() * 20, random.NextSingle() * 20);
            return [x, y, x + 1 + random.NextSingle() * 20, y + 1 + random.NextSingle() * 20];
        }
    }
}
