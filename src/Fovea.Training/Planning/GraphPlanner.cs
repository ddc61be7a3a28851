namespace Fovea.Training.Planning;

/// <summary>Schedules of any graph of forward and backward ops within a byte budget: the problem of Jain et al., "Checkmate",
/// 2020. Nodes run for the first time in the order given; results may be released and made again at any time.</summary>
public static class GraphPlanner
{
    /// <summary>Most nodes that <see cref="Exact"/> takes.</summary>
    public const int MostExactNodes = 12;

    /// <summary>A good schedule: the best of several greedy runs, with and without a look at the next use.</summary>
    /// <exception cref="ArgumentException">The operands of some op do not fit, or were not made to fit.</exception>
    public static GraphSchedule Greedy(IReadOnlyList<GraphNode> graph, long budget)
    {
        Check(graph);
        var schedules =
            from score in (EvictionScore[])[EvictionScore.Neighbourhood, EvictionScore.Local, EvictionScore.Largest]
            from knowsFuture in (bool[])[true, false]
            from releasesUnread in (bool[])[true, false]
            let schedule = EvictionRun.Run(graph, budget, score, knowsFuture, releasesUnread)
            where schedule != null
            select schedule;
        return schedules.MinBy(s => (s.Ms, s.PeakBytes)) ?? throw NoFit(graph, budget);
    }

    /// <summary>What an eager runtime makes of the graph that evicts when memory runs out and sees nothing of what is to come:
    /// dynamic tensor rematerialisation.</summary>
    /// <exception cref="ArgumentException">The operands of some op do not fit.</exception>
    public static GraphSchedule Online(IReadOnlyList<GraphNode> graph, long budget, EvictionScore score = EvictionScore.Neighbourhood)
    {
        Check(graph);
        return EvictionRun.Run(graph, budget, score, knowsFuture: false, releasesUnread: true) ?? throw NoFit(graph, budget);
    }

    /// <summary>The fastest schedule, by branch and bound over all sets of live results; for small graphs and to judge
    /// others.</summary>
    /// <exception cref="ArgumentException">No schedule fits, or there are more than <see cref="MostExactNodes"/>
    /// nodes.</exception>
    public static GraphSchedule Exact(IReadOnlyList<GraphNode> graph, long budget)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(graph.Count, MostExactNodes);
        Check(graph);
        return new GraphSchedule(graph, new GraphSearch(graph, budget).Run() ?? throw NoFit(graph, budget));
    }

    private static void Check(IReadOnlyList<GraphNode> graph)
    {
        for (int i = 0; i < graph.Count; i++)
            foreach (int input in graph[i].Inputs)
                if (input < 0 || input >= i)
                    throw new ArgumentException($"node {i}: its input {input} does not come before it");
    }

    private static ArgumentException NoFit(IReadOnlyList<GraphNode> graph, long budget) =>
        new($"No schedule of the {graph.Count} nodes was found for {budget:N0} bytes.");
}
