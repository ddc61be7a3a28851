using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Tests.Assignment;

public sealed class BalancedSamplerTests
{
    private static readonly CounterRandom State = new(Seed: 3, Offset: 1L << 32, Sequence: 1);

    [Fact]
    public void PositivesAreLimitedAndTheGroundFillsTheRest()
    {
        int[] matches = [.. Enumerable.Range(0, 90).Select(i => i < 30 ? i % 3 : i < 40 ? MaxIouMatcher.Ignored : MaxIouMatcher.Background)];
        var picked = new bool[90];
        Assert.Equal(16, BalancedSampler.Sample(matches, 16, 8, State, 0, picked));
        Assert.Equal((8, 0, 8), Counts(picked));
        Assert.Equal(80, BalancedSampler.Sample(matches, 100, 50, State, 0, picked));
        Assert.Equal((30, 0, 50), Counts(picked));
        Assert.Equal(0, BalancedSampler.Sample([], 16, 8, State, 0, []));

        static (int, int, int) Counts(bool[] p) => (p[..30].Count(x => x), p[30..40].Count(x => x), p[40..].Count(x => x));
    }

    [Fact]
    public void APickDependsOnTheStateAlone()
    {
        var matches = new int[1000];
        matches.AsSpan().Fill(MaxIouMatcher.Background);
        Assert.Equal(Pick(State, 0), Pick(State, 0));
        Assert.NotEqual(Pick(State, 0), Pick(State with { Offset = 2L << 32 }, 0));
        Assert.NotEqual(Pick(State, 0), Pick(State with { Sequence = 2 }, 0));
        Assert.NotEqual(Pick(State, 0), Pick(State, 1000));

        bool[] Pick(CounterRandom random, uint first)
        {
            var picked = new bool[1000];
            BalancedSampler.Sample(matches, 100, 0, random, first, picked);
            return picked;
        }
    }

    // 2,000 picks of 5 of 20: each anchor 500 times with a deviation of sqrt(2000 * 1/4 * 3/4) = 19.4.
    [Fact]
    public void AnchorsAreEquallyLikely()
    {
        var matches = new int[20];
        var (picked, times) = (new bool[20], new int[20]);
        for (var step = 0; step < 2000; step++)
        {
            BalancedSampler.Sample(matches, 5, 5, State with { Offset = (long)step << 32 }, 0, picked);
            for (var i = 0; i < 20; i++) times[i] += picked[i] ? 1 : 0;
        }
        Assert.All(times, t => Assert.InRange(t, 500 - 5 * 19.4, 500 + 5 * 19.4));
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BalancedSampler.Sample(new int[1], 1, 2, State, 0, new bool[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => BalancedSampler.Sample(new int[1], 1, -1, State, 0, new bool[1]));
        Assert.Throws<ArgumentException>(() => BalancedSampler.Sample(new int[1], 1, 1, State, 0, new bool[2]));
    }
}
