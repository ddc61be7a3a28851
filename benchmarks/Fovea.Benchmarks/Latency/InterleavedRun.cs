using System.Diagnostics;

namespace Fovea.Benchmarks.Latency;

/// <summary>Times contestants in turn in one process, so that drift of the machine meets all of them alike. A turn is one uncounted
/// call that brings code and data back into the caches, then a few timed ones, each between two FMA bursts.</summary>
internal static class InterleavedRun
{
    private const int CallsPerTurn = 4;

    // Idle workers of either side spin for a moment after a call; the pause lets them sleep before the other side starts.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(4);

    /// <summary>Runs until every contestant had <paramref name="secondsPerSide"/> of timed calls.</summary>
    public static Series[] Measure(IReadOnlyList<Contestant> contestants, double secondsPerSide)
    {
        foreach (var contestant in contestants) WarmUp(contestant, Math.Min(2, secondsPerSide));
        var samples = contestants.Select(_ => new List<Sample>(1 << 16)).ToArray();
        var spent = new double[contestants.Count];
        GC.Collect();
        GC.WaitForPendingFinalizers();
        for (int turn = 0; spent.Min() < secondsPerSide; turn++)
        {
            for (int i = 0; i < contestants.Count; i++)
            {
                int who = (i + turn) % contestants.Count; // nobody is always first
                Thread.Sleep(Pause);
                spent[who] += Turn(contestants[who], samples[who]);
            }
        }

        double peak = Quantiles.Of(samples.SelectMany(list => list).Select(s => s.Burst)).P99;
        return [.. contestants.Select((contestant, i) => new Series(contestant.Name, samples[i], peak))];
    }

    private static double Turn(Contestant contestant, List<Sample> samples)
    {
        contestant.Call();
        double sum = 0, before = FmaBurst.Measure();
        for (int k = 0; k < CallsPerTurn; k++)
        {
            long pushed = CpuUsage.InvoluntarySwitches(), bytes = GC.GetAllocatedBytesForCurrentThread();
            double cpu = CpuUsage.ThreadSeconds();
            long start = Stopwatch.GetTimestamp();
            contestant.Call();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cpu = CpuUsage.ThreadSeconds() - cpu;
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            pushed = CpuUsage.InvoluntarySwitches() - pushed;
            double after = FmaBurst.Measure();
            double notCounted = contestant.NotCounted is { } ticks ? (double)ticks() / Stopwatch.Frequency : 0;
            samples.Add(new Sample(seconds, seconds - notCounted, cpu / seconds, Math.Min(before, after), pushed, bytes));
            before = after;
            sum += seconds;
        }

        return sum;
    }

    // Long enough for tiered compilation to have replaced everything that is called (30 calls and 100 ms of quiet).
    private static void WarmUp(Contestant contestant, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 60 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; i++) contestant.Call();
    }
}
