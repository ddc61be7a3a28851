namespace Fovea.Training.Planning;

/// <summary>Runs and releases over a graph, with what they cost. Every node runs at least once, first runs in the order of the
/// graph; the graph itself is the list of its nodes.</summary>
public sealed class GraphSchedule
{
    /// <summary>Checks <paramref name="ops"/> and adds up their time and memory.</summary>
    /// <exception cref="InvalidScheduleException">An input is not live, a result is made twice, a node runs before those in
    /// front of it, or some node never runs.</exception>
    public GraphSchedule(IReadOnlyList<GraphNode> graph, IReadOnlyList<GraphOp> ops)
    {
        Ops = ops;
        var isLive = new bool[graph.Count];
        long live = 0;
        int next = 0;
        foreach (var (node, isFree) in ops)
        {
            if (isLive[node] != isFree)
                throw new InvalidScheduleException($"node {node}: {(isFree ? "released while not live" : "run while live")}");
            isLive[node] = !isFree;
            live += isFree ? -graph[node].Bytes : graph[node].Bytes;
            if (isFree) continue;
            if (node > next) throw new InvalidScheduleException($"node {node}: run before node {next}");
            foreach (int input in graph[node].Inputs)
                if (!isLive[input]) throw new InvalidScheduleException($"node {node}: its input {input} is not live");
            long reserved = graph[Math.Min(next, graph.Count - 1)].ReservedBytes;
            PeakBytes = Math.Max(PeakBytes, live + graph[node].WorkBytes + reserved);
            Ms += graph[node].Ms;
            next += node == next ? 1 : 0;
        }
        if (next < graph.Count) throw new InvalidScheduleException($"node {next} never runs");
    }

    /// <summary>The ops, in order.</summary>
    public IReadOnlyList<GraphOp> Ops { get; }

    /// <summary>Sum of the times of all runs.</summary>
    public double Ms { get; }

    /// <summary>Most bytes in use at once: results, work and what is reserved.</summary>
    public long PeakBytes { get; }
}
