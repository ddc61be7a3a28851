using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

/// <summary>The least time of any schedule of a short chain, by Dijkstra's algorithm over all states of memory: an oracle that
/// shares no code with planners or simulator. A persistent schedule keeps every checkpoint until backward has used
/// it.</summary>
internal sealed class ScheduleSearch(Chain chain, long budget, bool isPersistent)
{
    /// <summary>Bit l of a mask stands for stage l. Before the loss the gradient is n + 1.</summary>
    private readonly record struct State(int Outputs, int Saved, int Checkpoints, int Gradient);

    private readonly PriorityQueue<State, double> _open = new();
    private readonly Dictionary<State, double> _best = [];

    public static double LeastMs(Chain chain, long budget, bool isPersistent) => new ScheduleSearch(chain, budget, isPersistent).Run();

    private double Run()
    {
        Reach(new State(1, 0, 1, chain.Length + 1), 0);
        while (_open.TryDequeue(out var state, out double ms))
        {
            if (ms > _best[state]) continue;
            if (state.Gradient == 0) return ms;
            Expand(state, ms);
        }
        return double.PositiveInfinity;
    }

    private void Expand(State s, double ms)
    {
        int n = chain.Length;
        for (int l = 1; l <= n; l++)
        {
            int bit = 1 << l, input = bit >> 1;
            if ((s.Outputs & bit) != 0)
            {
                bool isUsed = s.Gradient == l && (s.Saved & bit) == 0;
                if (isUsed || !isPersistent) Reach(s with { Outputs = s.Outputs & ~bit, Checkpoints = s.Checkpoints & ~bit }, ms);
                if (!isPersistent && (s.Saved & bit) != 0) Reach(s with { Saved = s.Saved & ~bit }, ms);
                continue;
            }
            if ((s.Outputs & input) == 0 || (s.Saved & bit) != 0) continue;
            double done = ms + chain[l].ForwardMs;
            long live = Live(s) + chain[l].ForwardTransientBytes;
            if (live + chain[l].OutputBytes <= budget)
            {
                Reach(s with { Outputs = s.Outputs | bit, Checkpoints = s.Checkpoints | input }, done);
                if (l > 1 && (!isPersistent || ((s.Checkpoints | s.Saved) & input) == 0))
                    Reach(s with { Outputs = (s.Outputs | bit) & ~input }, done);
            }
            if (live + chain[l].SavedBytes <= budget)
                Reach(s with { Outputs = s.Outputs | bit, Saved = s.Saved | bit, Checkpoints = s.Checkpoints | bit | input }, done);
        }
        if (s.Gradient == n + 1 && (s.Outputs >> n & 1) != 0 && Live(s) + chain.OutputBytes(n) <= budget) Reach(s with { Gradient = n }, ms);
        if (s.Gradient <= n) Backward(s, s.Gradient, ms);
    }

    private void Backward(State s, int l, double ms)
    {
        int bit = 1 << l;
        if ((s.Outputs & bit) == 0 || (s.Outputs & bit >> 1) == 0 || (s.Saved & bit) == 0) return;
        if (Live(s) + chain[l].BackwardTransientBytes > budget) return;
        var next = new State(s.Outputs & ~bit, s.Saved & ~bit, s.Checkpoints & ~bit, l - 1);
        if (Live(next) <= budget) Reach(next, ms + chain[l].BackwardMs);
    }

    private long Live(State s)
    {
        long bytes = s.Gradient is > 0 && s.Gradient <= chain.Length ? chain.OutputBytes(s.Gradient) : 0;
        for (int l = 0; l <= chain.Length; l++)
        {
            if ((s.Outputs >> l & 1) != 0) bytes += chain.OutputBytes(l);
            if ((s.Saved >> l & 1) != 0) bytes += chain[l].InternalBytes;
        }
        return bytes;
    }

    private void Reach(State state, double ms)
    {
        if (_best.TryGetValue(state, out double known) && known <= ms) return;
        _best[state] = ms;
        _open.Enqueue(state, ms);
    }
}
