using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class SsdMatcherTests
{
    // Both objects overlap box 1 most. The first has the larger IoU and takes it; the second gets its next best, far below the threshold.
    [Fact]
    public void EveryObjectGetsABoxOfItsOwn()
    {
        var matches = new int[4];
        SsdMatcher.Match([0.55f, 0.8f, 0.5f, 0, 0.1f, 0.7f, 0.2f, 0], 0.5f, matches);
        Assert.Equal([0, 0, 1, MaxIouMatcher.Background], matches);
    }

    [Fact]
    public void TheThresholdItselfIsNotEnough()
    {
        var matches = new int[3];
        SsdMatcher.Match([0.9f, 0.5f, 0.50000006f], 0.5f, matches);
        Assert.Equal([0, MaxIouMatcher.Background, 0], matches);
    }

    [Fact]
    public void TiesGoToTheLowest()
    {
        var matches = new int[3];
        SsdMatcher.Match([0.4f, 0.4f, 0.1f, 0.4f, 0.4f, 0.1f], 0.5f, matches);
        Assert.Equal([0, 1, MaxIouMatcher.Background], matches);
    }

    [Fact]
    public void MoreObjectsThanBoxesAndNone()
    {
        var matches = new int[1];
        SsdMatcher.Match([0.2f, 0.3f], 0.5f, matches);
        Assert.Equal([1], matches);
        SsdMatcher.Match([], 0.5f, matches);
        Assert.Equal([MaxIouMatcher.Background], matches);
        Assert.Throws<ArgumentException>(() => SsdMatcher.Match([1, 2, 3], 0.5f, new int[2]));
    }

    [Fact]
    public void HardNegativesAreTheLargestLosses()
    {
        int[] matches = [0, -1, -1, -1, -1, MaxIouMatcher.Ignored, -1];
        var picked = new bool[7];
        Assert.Equal(3, HardNegatives.Pick([9, 1, 2, 1, 3, 8, 1], matches, 3, picked));
        Assert.Equal([false, true, true, false, true, false, false], picked);
        Assert.Equal(1, HardNegatives.Pick([9, 1, 2, 1, double.NaN, 8, 1], matches, 1, picked));
        Assert.True(picked[4]);
        Assert.Equal(0, HardNegatives.Pick([1, 2], [-1, -1], 3, new bool[2]));
        Assert.Equal(1, HardNegatives.Pick([1, 2], [0, -1], int.MaxValue, new bool[2]));
        Assert.Throws<ArgumentException>(() => HardNegatives.Pick([1], [-1, -1], 3, new bool[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => HardNegatives.Pick([1], [-1], -1, new bool[1]));
    }
}
