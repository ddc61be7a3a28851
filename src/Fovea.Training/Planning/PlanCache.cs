namespace Fovea.Training.Planning;

/// <summary>Plans made so far, so that a shape seen before costs one look-up. Keeps the latest used ones. Safe for any thread;
/// one plan is made at a time.</summary>
/// <typeparam name="TPlan">What is kept: immutable, so that it may be shared.</typeparam>
public sealed class PlanCache<TPlan>
    where TPlan : class
{
    private readonly int _capacity;
    private readonly Dictionary<PlanKey, LinkedListNode<(PlanKey Key, TPlan Plan)>> _plans = [];
    private readonly LinkedList<(PlanKey Key, TPlan Plan)> _latestFirst = [];
    private readonly Lock _lock = new();

    /// <summary>An empty cache for <paramref name="capacity"/> plans.</summary>
    public PlanCache(int capacity = 64)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    /// <summary>The plan of <paramref name="key"/>; made with <paramref name="plan"/> the first time.</summary>
    public TPlan GetOrAdd(in PlanKey key, Func<TPlan> plan)
    {
        lock (_lock)
        {
            if (_plans.TryGetValue(key, out var node)) _latestFirst.Remove(node);
            else node = new LinkedListNode<(PlanKey, TPlan)>((key, plan()));
            _plans[key] = node;
            _latestFirst.AddFirst(node);
            if (_plans.Count > _capacity)
            {
                _plans.Remove(_latestFirst.Last!.Value.Key);
                _latestFirst.RemoveLast();
            }
            return node.Value.Plan;
        }
    }
}
