namespace Fovea.Training.Planning;

/// <summary>The fastest schedule found within a byte budget: the optimal persistent one, or one that also moves tensors to
/// pinned host memory where the simulator finds that faster.</summary>
/// <remarks>Without copies the result is optimal among persistent schedules, up to the rounding of sizes to slots. With copies
/// it is a relaxation: the recursion charges a price per millisecond of copying, the shadow price of the copy engine; prices
/// and reserves of memory for overlap are swept, copies are hidden behind compute, and the simulator picks the
/// winner.</remarks>
public static class BudgetPlanner
{
    // Copies cost between nothing and the time that they take; the price is bisected on a logarithmic scale.
    private const int Prices = 7;
    private const double LeastPrice = 1e-3;

    // A plan that waits for copies for more than this part of its time asks too much of the copy engine.
    private const double TooMuchWaiting = 0.01;

    // Part of the budget that the recursion leaves free, so that a tensor can be on its way while the next stage runs.
    private static readonly double[] Reserves = [0, 0.02, 0.05, 0.1, 0.2, 0.35];

    /// <summary>Plans one step of <paramref name="chain"/> in at most <paramref name="budget"/> bytes, its input
    /// included.</summary>
    /// <exception cref="ArgumentException">No schedule was found. The message names a budget for which there is
    /// one.</exception>
    public static IReadOnlyList<ScheduleOp> Plan(Chain chain, long budget, PlannerOptions? options = null)
    {
        options ??= new PlannerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(budget, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Slots, 1, nameof(options));
        var plain = SegmentPlanner.KeepAll(chain);
        if (ScheduleSimulator.Run(chain, plain).PeakBytes <= budget) return plain;
        var best = Recompute(chain, budget, options);
        if (options.Link is { } link) best = Faster(best, Offload(chain, budget, options, link));
        if (best != null) return best.Ops;
        var frugal = Frugal(chain, options);
        return frugal.Simulation.PeakBytes <= budget
            ? frugal.Ops
            : throw new ArgumentException(
                $"No schedule of the {chain.Length} stages fits {budget:N0} bytes; there is one for {frugal.Simulation.PeakBytes:N0} bytes.");
    }

    /// <summary>The least budget worth asking for: the peak of the most frugal persistent schedule found, without copies to the
    /// host.</summary>
    public static long SmallestPeak(Chain chain, PlannerOptions? options = null) =>
        Frugal(chain, options ?? new PlannerOptions()).Simulation.PeakBytes;

    private sealed record Candidate(IReadOnlyList<ScheduleOp> Ops, Simulation Simulation);

    private static Candidate Frugal(Chain chain, PlannerOptions options)
    {
        var best = Simulate(chain, SegmentPlanner.KeepAll(chain));
        var table = new PersistentTable(chain, best.Simulation.PeakBytes, options);
        int slots = 0, most = table.MostSlots;
        while (slots < most && double.IsInfinity(table.Ms(slots))) slots++;
        return double.IsFinite(table.Ms(slots)) ? Simulate(chain, table.Schedule(slots)) : best;
    }

    private static Candidate? Recompute(Chain chain, long budget, PlannerOptions options)
    {
        var table = new PersistentTable(chain, budget, options);
        double ms = table.Ms(table.BudgetSlots);
        for (int slots = table.MostSlots; slots > table.BudgetSlots && table.Ms(slots) < ms; slots--)
        {
            var plan = Simulate(chain, table.Schedule(slots));
            if (plan.Simulation.PeakBytes <= budget) return plan;
        }
        return double.IsFinite(ms) ? Simulate(chain, table.Schedule(table.BudgetSlots)) : null;
    }

    private static Candidate Simulate(Chain chain, IReadOnlyList<ScheduleOp> ops, HostLink? link = null) =>
        new(ops, ScheduleSimulator.Run(chain, ops, link));

    private static Candidate? Offload(Chain chain, long budget, PlannerOptions options, HostLink link)
    {
        if (!(link.ToHostBytesPerMs > 0 && link.ToDeviceBytesPerMs > 0 && link.LatencyMs >= 0))
            throw new ArgumentException($"Copies over {link} never end.", nameof(options));
        Candidate? best = null;
        double low = Math.Log(LeastPrice), high = 0;
        for (int i = 0; i < Prices; i++)
        {
            double price = (low + high) / 2;
            var plan = OffloadAt(chain, budget, options, link, Math.Exp(price));
            if (plan?.Simulation is { } s && s.Ms - s.ComputeMs > TooMuchWaiting * s.Ms) low = price;
            else high = price;
            best = Faster(best, plan);
        }
        return best == null ? null : Simulate(chain, TransferOverlap.DropNeedless(chain, best.Ops, link, budget), link);
    }

    // The best over all reserves, which share one table.
    private static Candidate? OffloadAt(Chain chain, long budget, PlannerOptions options, HostLink link, double price)
    {
        var table = new PersistentTable(chain, budget, options, price);
        Candidate? best = null;
        foreach (double reserve in Reserves)
        {
            int slots = table.BudgetSlots - (int)(reserve * table.BudgetSlots);
            if (double.IsInfinity(table.Ms(slots))) continue;
            var plan = Simulate(chain, TransferOverlap.Hide(chain, table.Schedule(slots), link, budget), link);
            if (plan.Simulation.HostPeakBytes <= options.HostBytes) best = Faster(best, plan);
        }
        return best;
    }

    private static Candidate? Faster(Candidate? known, Candidate? next) =>
        known == null || next?.Simulation.Ms < known.Simulation.Ms ? next : known;
}
