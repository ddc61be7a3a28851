namespace Fovea.Training.Planning;

/// <summary>The fastest schedule found within a byte budget: the optimal persistent one, or one that also moves tensors to
/// pinned host memory where the simulator finds that faster.</summary>
/// <remarks>Without copies the result is optimal among persistent schedules, up to the rounding of sizes to slots. With copies it
/// is a relaxation: the recursion charges a price per millisecond of copying, the shadow price of the copy engine; prices and
/// reserves of memory for overlap are swept, copies are hidden behind compute, and the simulator picks the winner.</remarks>
public static class BudgetPlanner
{
    private static readonly double[] CopyPrices = [0.02, 0.1, 0.3, 0.6, 1];

    // Part of the budget that the recursion leaves free, so that a tensor can be on its way while the next stage runs.
    private static readonly double[] Reserves = [0, 0.02, 0.05, 0.1, 0.2, 0.35];

    /// <summary>Plans one step of <paramref name="chain"/> in at most <paramref name="budget"/> bytes, its input included.</summary>
    /// <exception cref="ArgumentException">No schedule was found. The message names a budget for which there is one.</exception>
    public static IReadOnlyList<ScheduleOp> Plan(Chain chain, long budget, PlannerOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(budget, 1);
        options ??= new PlannerOptions();
        var plain = SegmentPlanner.KeepAll(chain);
        if (ScheduleSimulator.Run(chain, plain).PeakBytes <= budget) return plain;
        var valid =
            from ops in Candidates(chain, budget, options)
            let simulation = ScheduleSimulator.Run(chain, ops, options.Link)
            where simulation.PeakBytes <= budget && simulation.HostPeakBytes <= options.HostBytes
            orderby simulation.Ms, simulation.PeakBytes
            select ops;
        return valid.FirstOrDefault() ?? throw new ArgumentException($"No schedule of the {chain.Length} stages fits {budget:N0} bytes; there is one for {SmallestPeak(chain, options):N0} bytes.");
    }

    /// <summary>Peak of the most frugal persistent schedule found, without copies to the host: the least budget worth asking for.</summary>
    public static long SmallestPeak(Chain chain, PlannerOptions? options = null)
    {
        var table = new PersistentTable(chain, ScheduleSimulator.Run(chain, SegmentPlanner.KeepAll(chain)).PeakBytes, options ?? new PlannerOptions());
        int slots = 0, most = table.Slots - table.InputSlots;
        while (slots < most && double.IsInfinity(table.Ms(slots))) slots++;
        return ScheduleSimulator.Run(chain, double.IsFinite(table.Ms(slots)) ? table.Schedule(slots) : SegmentPlanner.KeepAll(chain)).PeakBytes;
    }

    private static IEnumerable<List<ScheduleOp>> Candidates(Chain chain, long budget, PlannerOptions options)
    {
        var table = new PersistentTable(chain, budget, options);
        int slots = table.Slots - table.InputSlots;
        if (double.IsFinite(table.Ms(slots))) yield return table.Schedule(slots);
        if (options.Link is not { } link) yield break;
        foreach (double price in CopyPrices)
        {
            table = new PersistentTable(chain, budget, options, price);
            foreach (double reserve in Reserves)
            {
                int left = slots - (int)(reserve * table.Slots);
                if (double.IsFinite(table.Ms(left))) yield return TransferOverlap.Hide(chain, table.Schedule(left), link, budget);
            }
        }
    }
}
