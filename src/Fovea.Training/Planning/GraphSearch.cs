using System.Numerics;

namespace Fovea.Training.Planning;

/// <summary>Best-first branch and bound. A state is the number of nodes that have run for the first time and the set of live
/// results; the bound of a state is its cost and the time of all first runs to come. A state reached at no lower cost than
/// before is cut, so at most (n + 1) 2^n are opened.</summary>
internal sealed class GraphSearch(IReadOnlyList<GraphNode> graph, long budget)
{
    private readonly record struct State(int Next, uint Live);

    private readonly PriorityQueue<State, double> _open = new();
    private readonly Dictionary<State, (double Ms, State From, GraphOp Op)> _best = [];

    /// <summary>The ops of the fastest schedule, or null where none fits.</summary>
    public List<GraphOp>? Run()
    {
        var firstRuns = new double[graph.Count + 1];
        for (int i = graph.Count - 1; i >= 0; i--) firstRuns[i] = firstRuns[i + 1] + graph[i].Ms;

        _best[default] = default;
        _open.Enqueue(default, firstRuns[0]);
        while (_open.TryDequeue(out var state, out double bound))
        {
            double ms = _best[state].Ms;
            if (bound > ms + firstRuns[state.Next]) continue;
            if (state.Next == graph.Count) return PathTo(state);
            for (int node = 0; node < graph.Count; node++)
            {
                uint bit = 1u << node;
                bool isFree = (state.Live & bit) != 0;
                if (!isFree && !CanRun(node, state)) continue;
                var next = new State(state.Next + (node == state.Next ? 1 : 0), state.Live ^ bit);
                double cost = ms + (isFree ? 0 : graph[node].Ms);
                if (_best.TryGetValue(next, out var known) && known.Ms <= cost) continue;
                _best[next] = (cost, state, new GraphOp(node, isFree));
                _open.Enqueue(next, cost + firstRuns[next.Next]);
            }
        }
        return null;
    }

    private bool CanRun(int node, State state)
    {
        if (node > state.Next || graph[node].Inputs.Any(input => (state.Live >> input & 1) == 0)) return false;
        long live = graph[node].Bytes + graph[node].WorkBytes + graph[state.Next].ReservedBytes;
        for (uint rest = state.Live; rest != 0; rest &= rest - 1) live += graph[BitOperations.TrailingZeroCount(rest)].Bytes;
        return live <= budget;
    }

    private List<GraphOp> PathTo(State state)
    {
        var ops = new List<GraphOp>();
        for (; state != default; state = _best[state].From) ops.Add(_best[state].Op);
        ops.Reverse();
        return ops;
    }
}
