namespace Fovea.Training.Planning;

/// <summary>Hides copies behind compute: moves each <see cref="ScheduleOpKind.Free"/> of an offloaded tensor later and each
/// <see cref="ScheduleOpKind.Prefetch"/> earlier, while the budget allows it and until the copy is done. A tensor whose way to
/// the host and back closes up stays where it is.</summary>
internal sealed class TransferOverlap
{
    private readonly Chain _chain;
    private readonly HostLink _link;
    private readonly long _budget;

    private TransferOverlap(Chain chain, HostLink link, long budget)
    {
        _chain = chain;
        _link = link;
        _budget = budget;
    }

    /// <summary>The same work as <paramref name="ops"/> in another order; never more than <paramref name="budget"/> bytes where
    /// <paramref name="ops"/> keeps to it.</summary>
    public static List<ScheduleOp> Hide(Chain chain, List<ScheduleOp> ops, HostLink link, long budget)
    {
        var overlap = new TransferOverlap(chain, link, budget);
        ops = overlap.Defer(ops, inReverse: false);
        return overlap.Defer(ops, inReverse: true);
    }

    /// <summary>A tensor that stays on the device longer than the schedule says. In reverse, that is one fetched
    /// earlier.</summary>
    private readonly record struct Pending(int Op, int Pair, long Bytes, double DoneMs);

    // Fetching early, read backwards in time, is freeing late: the same pass over the reversed list does both.
    private List<ScheduleOp> Defer(List<ScheduleOp> ops, bool inReverse)
    {
        var live = ScheduleSimulator.Run(_chain, ops, _link).Steps.Select(s => s.LiveBytes).ToArray();
        var pairs = Pairs(ops);
        var isDropped = new bool[ops.Count];
        var order = new List<int>(ops.Count);
        var pending = new Queue<Pending>();
        long deferred = 0;
        double now = 0, copyFree = 0;
        for (int step = 0; step < ops.Count; step++)
        {
            int i = inReverse ? ops.Count - 1 - step : step;
            var op = ops[i];
            bool isFree = op.Kind == ScheduleOpKind.Free && pairs[i] >= 0, isPrefetch = op.Kind == ScheduleOpKind.Prefetch;
            if (inReverse ? isPrefetch : isFree)
            {
                long bytes = Bytes(ops, i);
                copyFree = Math.Max(now, copyFree) + (inReverse ? _link.ToDeviceMs(bytes) : _link.ToHostMs(bytes));
                pending.Enqueue(new Pending(i, pairs[i], bytes, copyFree));
                deferred += bytes;
                continue;
            }
            var closed = pending.FirstOrDefault(p => p.Pair == i);
            if (closed.Pair == i && (isFree || isPrefetch))
            {
                // The copy back begins where the copy out has just ended: neither is needed.
                pending = new Queue<Pending>(pending.Where(p => p != closed));
                deferred -= closed.Bytes;
                isDropped[OffloadOf(ops, isFree ? i : closed.Op)] = true;
                continue;
            }
            while (pending.TryPeek(out var first) && (first.DoneMs <= now || live[i] + deferred > _budget))
            {
                now = Math.Max(now, first.DoneMs);
                deferred -= first.Bytes;
                order.Add(pending.Dequeue().Op);
            }
            order.Add(i);
            now += Ms(op);
        }
        order.AddRange(pending.Select(p => p.Op));
        if (inReverse) order.Reverse();
        return [.. order.Where(i => !isDropped[i]).Select(i => ops[i])];
    }

    // For the free of an offloaded tensor the op that fetches it again, and the other way round; -1 for all others.
    private static int[] Pairs(List<ScheduleOp> ops)
    {
        var pairs = new int[ops.Count];
        Array.Fill(pairs, -1);
        var onHost = new Dictionary<ScheduleTensor, int>();
        for (int i = 0; i < ops.Count; i++)
        {
            var op = ops[i];
            if (op.Kind == ScheduleOpKind.Offload) onHost[op.Tensor] = -1;
            if (op.Kind == ScheduleOpKind.Free && onHost.ContainsKey(op.Tensor)) onHost[op.Tensor] = i;
            if (op.Kind == ScheduleOpKind.Prefetch && onHost.Remove(op.Tensor, out int free))
                (pairs[i], pairs[free]) = (free, i);
        }
        return pairs;
    }

    private static int OffloadOf(List<ScheduleOp> ops, int free) =>
        ops.FindLastIndex(free, op => op.Kind == ScheduleOpKind.Offload && op.Tensor == ops[free].Tensor);

    private long Bytes(List<ScheduleOp> ops, int i)
    {
        var x = ops[i].Tensor;
        if (!x.IsSaved) return _chain.OutputBytes(x.Stage);
        bool isNarrow = ops.FindLast(op => op.Kind == ScheduleOpKind.Backward && op.Stage == x.Stage).IsNarrow;
        return (isNarrow ? _chain[x.Stage].Narrow! : _chain[x.Stage]).InternalBytes;
    }

    private double Ms(ScheduleOp op) => op.Kind switch
    {
        ScheduleOpKind.Backward => (op.IsNarrow ? _chain[op.Stage].Narrow! : _chain[op.Stage]).BackwardMs,
        _ when op.IsForward => (op.IsNarrow ? _chain[op.Stage].Narrow! : _chain[op.Stage]).ForwardMs,
        _ => 0,
    };
}
