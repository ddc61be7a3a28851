namespace Fovea.Training.Planning;

/// <summary>Runs a graph in a byte budget the way an eager runtime would: before each op it makes evicted inputs again, then
/// evicts what an <see cref="EvictionPolicy"/> names until the result fits.</summary>
internal sealed class EvictionRun
{
    private readonly IReadOnlyList<GraphNode> _graph;
    private readonly long _budget;
    private readonly EvictionPolicy _policy;
    private readonly List<GraphOp> _ops = [];
    private readonly bool _releasesUnread;
    private readonly int[] _lastReader;
    private readonly Queue<int>[] _readers; // first runs that read a node and are still to come
    private long _live;
    private int _current;

    private EvictionRun(IReadOnlyList<GraphNode> graph, long budget, EvictionScore score, bool knowsFuture, bool releasesUnread)
    {
        _graph = graph;
        _budget = budget;
        _policy = new EvictionPolicy(score, knowsFuture ? DistanceToNextUse : null);
        _releasesUnread = releasesUnread;
        _lastReader = new int[graph.Count];
        _readers = new Queue<int>[graph.Count];
        for (int i = 0; i < graph.Count; i++)
        {
            _policy.Add(graph[i].Bytes, graph[i].Ms, graph[i].Inputs);
            _readers[i] = [];
            _lastReader[i] = i;
            foreach (int input in graph[i].Inputs)
            {
                _readers[input].Enqueue(i);
                _lastReader[input] = i;
            }
        }
    }

    /// <summary>The schedule that results, or null where the operands of some op do not fit together.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="budget">Bytes for results.</param>
    /// <param name="score">How the policy ranks.</param>
    /// <param name="knowsFuture">Whether it looks at the next use in place of the last one.</param>
    /// <param name="releasesUnread">Whether a result goes at once when its last reader has run, though it could help to make
    /// others again.</param>
    public static GraphSchedule? Run(
        IReadOnlyList<GraphNode> graph, long budget, EvictionScore score, bool knowsFuture, bool releasesUnread)
    {
        var run = new EvictionRun(graph, budget, score, knowsFuture, releasesUnread);
        for (run._current = 0; run._current < graph.Count; run._current++)
        {
            if (!run.Make(run._current)) return null;
            run.Retire(run._current);
            foreach (int input in graph[run._current].Inputs) run.Retire(input);
        }
        return new GraphSchedule(graph, run._ops);
    }

    private double DistanceToNextUse(int node)
    {
        while (_readers[node].TryPeek(out int reader) && reader < _current) _readers[node].Dequeue();
        return 1 + (_readers[node].TryPeek(out int next) ? next : _graph.Count) - _current;
    }

    private bool Make(int node)
    {
        var inputs = _graph[node].Inputs;
        int pinned = 0;
        bool fits = true;
        foreach (int input in inputs)
        {
            fits = _policy.IsLive(input) || Make(input);
            if (!fits) break;
            _policy.Pin(input);
            pinned++;
        }
        _policy.Tick();
        fits = fits && MakeRoom(_graph[node].Bytes + _graph[node].WorkBytes + _graph[_current].ReservedBytes);
        foreach (int input in inputs.AsSpan(0, pinned))
        {
            _policy.Unpin(input);
            _policy.Touch(input);
        }
        if (!fits) return false;
        _policy.Made(node);
        _live += _graph[node].Bytes;
        _ops.Add(new GraphOp(node, IsFree: false));
        return true;
    }

    private bool MakeRoom(long bytes)
    {
        while (_live + bytes > _budget)
        {
            int victim = _policy.ChooseVictim();
            if (victim < 0) return false;
            Release(victim);
        }
        return true;
    }

    private void Release(int node)
    {
        _policy.Evict(node);
        _live -= _graph[node].Bytes;
        _ops.Add(new GraphOp(node, IsFree: true));
    }

    private void Retire(int node)
    {
        if (_lastReader[node] > _current) return;
        _policy.Retire(node);
        if (_releasesUnread && _policy.IsLive(node)) Release(node);
    }
}
