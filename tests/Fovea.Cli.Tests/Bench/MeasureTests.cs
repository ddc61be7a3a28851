using Fovea.Bench.Measure;
using Xunit;

namespace Fovea.Cli.Tests.Bench;

public class MeasureTests
{
    [Fact]
    public void PercentilesAreNearestRanks()
    {
        var q = Quantiles.Of(Enumerable.Range(1, 1000).Select(i => (double)i).Reverse());
        Assert.Equal((1, 100, 500, 900, 990, 999, 1000), (q.Min, q.P10, q.P50, q.P90, q.P99, q.P999, q.Count));
        Assert.Equal(1.6, q.Spread);
        Assert.True(double.IsNaN(Quantiles.Of([]).P50));
        Assert.Equal(7, Quantiles.Of([7]).P999);
    }

    [Theory]
    [InlineData(94, 0.96, 0, true)]
    [InlineData(93.9, 0.96, 0, false)] // the burst says that the core was shared
    [InlineData(100, 0.95, 0, false)]  // the thread was not running all the time
    [InlineData(100, 1, 1, false)]     // some thread was pushed off its core
    public void OnlyUndisturbedSamplesCount(double burst, double cpuShare, long pushed, bool isQuiet)
    {
        var sample = new Sample(1, 1, cpuShare, burst, pushed, 0);
        Assert.Equal(isQuiet, sample.IsQuiet(peak: 100));
        Assert.Equal(isQuiet ? 1 : 0, new Series("x", [sample], 100).Accepted.Count);
        Assert.Equal(1, new Series("x", [sample], 100, gated: false).Accepted.Count);
    }

    [Fact]
    public void TheMedianIsOfQuietSamplesAndTheFastestStandsInForThem()
    {
        Sample Taken(double seconds, double burst) => new(seconds, seconds, 1, burst, 0, 0);
        Assert.Equal(3, new Series("x", [Taken(1, 50), Taken(3, 100), Taken(9, 100), Taken(2, 100)], 100).Seconds);
        Assert.Equal(4, new Series("x", [Taken(8, 50), Taken(4, 50), Taken(6, 50)], 100).Seconds);
    }

    [Fact]
    public void ContestantsTakeTurnsAndShortCallsAreRepeated()
    {
        using var quick = new Contestant("quick", () => { });
        using var slow = new Contestant("slow", () => Thread.Sleep(1));
        var plan = new MeasurePlan { Peak = 1e-9, Wanted = 8, Most = 8, Seconds = 1, SampleSeconds = 100e-6, WarmUpSeconds = 0 };
        var series = InterleavedRun.Measure([quick, slow], plan);
        Assert.Equal(["quick", "slow"], series.Select(s => s.Name));
        Assert.All(series, s => Assert.Equal(8, s.All.Count));
        Assert.True(series[0].All.P50 < 10e-6, "a sample is the mean of its calls");
        Assert.True(series[1].All.P50 >= 1e-3);
        // Three warm-up calls; two turns of one uncounted call and four samples.
        Assert.Equal(3 + 2 * (1 + 4), slow.Calls);
        Assert.True(quick.Calls > 1000);
    }

    [Theory]
    [InlineData(1, 8, 8)]     // two turns of four samples reach the least number
    [InlineData(1e-3, 8, 4)]  // the slow one has used its time up in the first turn
    public void SlowContestantsDropOut(double mostSeconds, int quickSamples, int slowSamples)
    {
        using var quick = new Contestant("quick", () => { });
        using var slow = new Contestant("slow", () => Thread.Sleep(1));
        var plan = new MeasurePlan { Peak = 1e-9, Seconds = 0, Least = 5, MostSeconds = mostSeconds, SampleSeconds = 0, WarmUpSeconds = 0 };
        var series = InterleavedRun.Measure([quick, slow], plan);
        Assert.Equal((quickSamples, slowSamples), (series[0].All.Count, series[1].All.Count));
    }

    [Fact]
    public void InnerTimesReplaceWallTimes()
    {
        Contestant? contestant = null;
        using (contestant = new Contestant("inner", () => Thread.Sleep(1)) { InnerSeconds = () => [.. Enumerable.Range(0, contestant!.Calls).Select(i => (double)i)] })
        {
            var plan = new MeasurePlan { Peak = 1e-9, Wanted = 4, Most = 4, SampleSeconds = 0, WarmUpSeconds = 0 };
            // Calls 0 to 2 warm up and 3 opens the turn.
            Assert.Equal((4, 7), (InterleavedRun.Measure([contestant], plan)[0].All.Min, InterleavedRun.Measure([contestant], plan)[0].All.Count + 3));
        }
    }

    [Fact]
    public void AContestantIsDisposedOnceUnderEveryName()
    {
        int disposed = 0;
        new Contestant("a", () => { }) { Owned = [new Disposal(() => disposed++)] }.Named("b").Dispose();
        Assert.Equal(1, disposed);
    }

    private sealed class Disposal(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
