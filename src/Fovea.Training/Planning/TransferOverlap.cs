namespace Fovea.Training.Planning;

/// <summary>Hides copies behind compute: moves each <see cref="ScheduleOpKind.Free"/> of an offloaded tensor later and each
/// <see cref="ScheduleOpKind.Prefetch"/> earlier, while the budget allows it and until the copy is done. A tensor whose way to
/// the host and back closes up stays where it is.</summary>
internal sealed class TransferOverlap
{
    /// <summary>The ops that take one tensor to the host and back, by position.</summary>
    private sealed record Transfer(int Offload, int Free, int Prefetch);

    /// <summary>A tensor that stays on the device longer than the schedule says. In reverse, that is one fetched
    /// earlier.</summary>
    private readonly record struct Pending(Transfer Transfer, long Bytes, double DoneMs);

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

    /// <summary><paramref name="ops"/> without the copies that neither the budget nor time asks for.</summary>
    public static IReadOnlyList<ScheduleOp> DropNeedless(Chain chain, IReadOnlyList<ScheduleOp> ops, HostLink link, long budget)
    {
        double ms = ScheduleSimulator.Run(chain, ops, link).Ms;
        var dropped = new HashSet<int>();
        var kept = ops;
        foreach (var (offload, free, prefetch) in Transfers(ops))
        {
            var less = ops.Where((_, i) => i != offload && i != free && i != prefetch && !dropped.Contains(i)).ToArray();
            var simulation = ScheduleSimulator.Run(chain, less, link);
            if (simulation.PeakBytes > budget || simulation.Ms > ms) continue;
            dropped.UnionWith([offload, free, prefetch]);
            kept = less;
        }
        return kept;
    }

    // Fetching early, read backwards in time, is freeing late: the same pass over the reversed list does both.
    private List<ScheduleOp> Defer(List<ScheduleOp> ops, bool inReverse)
    {
        var live = ScheduleSimulator.Run(_chain, ops, _link).Steps.Select(s => s.LiveBytes).ToArray();
        var transfers = Transfers(ops);
        var begins = transfers.ToDictionary(t => inReverse ? t.Prefetch : t.Free);
        var ends = transfers.ToDictionary(t => inReverse ? t.Free : t.Prefetch);
        var dropped = new HashSet<int>();
        var order = new List<int>(ops.Count);
        var pending = new List<Pending>(); // the copy that ends first comes first
        double now = 0, copyFree = 0;
        for (int step = 0; step < ops.Count; step++)
        {
            int i = inReverse ? ops.Count - 1 - step : step;
            if (begins.TryGetValue(i, out var transfer))
            {
                long bytes = Bytes(ops, i);
                copyFree = Math.Max(now, copyFree) + (inReverse ? _link.ToDeviceMs(bytes) : _link.ToHostMs(bytes));
                pending.Add(new Pending(transfer, bytes, copyFree));
                continue;
            }
            if (ends.TryGetValue(i, out transfer) && pending.RemoveAll(p => p.Transfer == transfer) > 0)
            {
                dropped.Add(transfer.Offload);
                continue;
            }
            while (pending.Count > 0 && (pending[0].DoneMs <= now || live[i] + pending.Sum(p => p.Bytes) > _budget))
            {
                now = Math.Max(now, pending[0].DoneMs);
                order.Add(inReverse ? pending[0].Transfer.Prefetch : pending[0].Transfer.Free);
                pending.RemoveAt(0);
            }
            order.Add(i);
            now += Ms(ops[i]);
        }
        if (inReverse) order.Reverse();
        return [.. order.Where(i => !dropped.Contains(i)).Select(i => ops[i])];
    }

    private static List<Transfer> Transfers(IReadOnlyList<ScheduleOp> ops)
    {
        var transfers = new List<Transfer>();
        var onHost = new Dictionary<ScheduleTensor, (int Offload, int Free)>();
        for (int i = 0; i < ops.Count; i++)
        {
            var (kind, tensor) = (ops[i].Kind, ops[i].Tensor);
            if (kind == ScheduleOpKind.Offload) onHost[tensor] = (i, -1);
            else if (kind == ScheduleOpKind.Free && onHost.TryGetValue(tensor, out var way)) onHost[tensor] = (way.Offload, i);
            else if (kind == ScheduleOpKind.Prefetch && onHost.Remove(tensor, out way)) transfers.Add(new(way.Offload, way.Free, i));
        }
        return transfers;
    }

    private long Bytes(List<ScheduleOp> ops, int i)
    {
        var x = ops[i].Tensor;
        if (!x.IsSaved) return _chain.OutputBytes(x.Stage);
        bool isNarrow = ops.Exists(op => op.Kind == ScheduleOpKind.Backward && op.Stage == x.Stage && op.IsNarrow);
        return _chain.Form(x.Stage, isNarrow).InternalBytes;
    }

    private double Ms(ScheduleOp op) =>
        op.IsForward ? _chain.Form(op.Stage, op.IsNarrow).ForwardMs
        : op.Kind == ScheduleOpKind.Backward ? _chain.Form(op.Stage, op.IsNarrow).BackwardMs
        : 0;
}
