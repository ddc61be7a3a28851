namespace Fovea.Training.Planning;

/// <summary>Checkpoints between segments; inside of a segment everything is saved when backward reaches it. One extra forward
/// run of all stages but the last segment's.</summary>
/// <remarks>Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.</remarks>
public static class SegmentPlanner
{
    // Cut sizes tried around sqrt(total * largest), a factor of 2^(1/4) apart.
    private const int CutsEachWay = 12;

    /// <summary>The plain step: one segment, nothing is recomputed.</summary>
    public static IReadOnlyList<ScheduleOp> KeepAll(Chain chain) => Uniform(chain, segments: 1);

    /// <summary>About sqrt(n) segments of about sqrt(n) stages: peak near 2 sqrt(n) outputs where all stages are
    /// equal.</summary>
    public static IReadOnlyList<ScheduleOp> Uniform(Chain chain) => Uniform(chain, (int)Math.Round(Math.Sqrt(chain.Length)));

    /// <summary>Segments of equal numbers of stages. Where they cannot be equal, the longer ones come first: fewer checkpoints
    /// are live while those run backward.</summary>
    public static IReadOnlyList<ScheduleOp> Uniform(Chain chain, int segments)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segments, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(segments, chain.Length);
        var (size, longer) = Math.DivRem(chain.Length, segments);
        return Schedule(chain.Length, [.. Enumerable.Range(0, segments).Select(i => 1 + i * size + Math.Min(i, longer))]);
    }

    /// <summary>For stages of unequal sizes: starts a new segment when the saved bytes of the current one would pass a limit,
    /// sweeps that limit around sqrt(total * largest) and returns the schedule of the lowest simulated peak.</summary>
    public static IReadOnlyList<ScheduleOp> ByBytes(Chain chain)
    {
        var saved = Enumerable.Range(1, chain.Length).Select(l => chain[l].SavedBytes).ToArray();
        double center = Math.Sqrt((double)saved.Sum() * saved.Max());
        return Enumerable.Range(-CutsEachWay, 2 * CutsEachWay + 1)
            .Select(i => Schedule(chain.Length, Cut(saved, center * Math.Pow(2, i / 4.0))))
            .Select(ops => (Ops: ops, Simulation: ScheduleSimulator.Run(chain, ops)))
            .MinBy(plan => (plan.Simulation.PeakBytes, plan.Simulation.Ms)).Ops;
    }

    private static int[] Cut(long[] saved, double limit)
    {
        var starts = new List<int> { 1 };
        double bytes = 0;
        for (int l = 1; l <= saved.Length; l++)
        {
            if (bytes > 0 && bytes + saved[l - 1] > limit)
            {
                starts.Add(l);
                bytes = 0;
            }
            bytes += saved[l - 1];
        }
        return [.. starts];
    }

    private static List<ScheduleOp> Schedule(int length, int[] starts)
    {
        var builder = new ScheduleBuilder(length);
        for (int i = 1; i < starts.Length; i++) builder.Advance(starts[i - 1], starts[i]);
        builder.KeepAll(starts[^1], length, isLossDue: true);
        for (int i = starts.Length - 1; i > 0; i--)
        {
            builder.Free(ScheduleTensor.Output(starts[i] - 1));
            builder.KeepAll(starts[i - 1], starts[i] - 1, isLossDue: false);
        }
        return builder.Ops;
    }
}
