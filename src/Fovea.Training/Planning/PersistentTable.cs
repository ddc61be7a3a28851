using System.Numerics;

namespace Fovea.Training.Planning;

/// <summary>The dynamic programme of optimal persistent schedules. Entry (s, t, m) is the least time to run stages s..t forward
/// and t..s backward, when the input of s is stored outside of m slots of memory and the gradient of t's output inside.
/// Stage n + 1 is the loss: no time, no bytes.</summary>
/// <remarks>Beaumont, Eyraud-Dubois, Herrmann, Joly, Shilova, "Optimal checkpointing for heterogeneous chains", 2019. Two
/// moves: save all of s and go on with s + 1, or keep only the input of some k > s as a checkpoint, do k..t, then s..k-1 from
/// the input of s again. O(n^3) moves, each relaxed for all m in one pass. Added here: a stage may save in its narrow form, and
/// while the inner part of a move runs, tensors that it does not touch may wait on the host. Copies are charged at a price per
/// millisecond: overlap with compute is not part of the recursion.</remarks>
internal sealed class PersistentTable
{
    /// <summary>One way to do (s, t): <c>cost + (inner, t, m - shift) + (s, inner - 1, m)</c>, the last term only for a
    /// split.</summary>
    private readonly record struct Move(
        int Inner, int Need, int Shift, double Cost,
        bool IsSplit = false, bool IsNarrow = false, bool InputToHost = false, bool SavedToHost = false);

    // 1 GiB: 690 stages at 500 slots. Time grows with the cube of the stages; on one busy Zen 4 core 0.05 s for 48 stages at
    // 500 slots, 0.4 s for 100, 3 s for 200.
    private const long MaxEntries = 1L << 27;

    private readonly Chain _chain;
    private readonly PlannerOptions _options;
    private readonly double _copyPrice;
    private readonly int _loss;
    private readonly int _inBudget;
    private readonly int _slots;
    private readonly long _slotBytes;
    private readonly double[] _forwardSum;
    private readonly double[] _cost;
    private readonly double[] _nothing;
    private readonly List<Move> _moves = [];

    public PersistentTable(Chain chain, long budget, PlannerOptions options, double copyPrice = double.PositiveInfinity)
    {
        _chain = chain;
        _options = options;
        _copyPrice = options.Link == null ? double.PositiveInfinity : copyPrice;
        _loss = chain.Length + 1;
        // Where all sizes are multiples of one that is coarse enough, nothing is rounded. Elsewhere a schedule of more slots than
        // the budget has may fit it in bytes, so the table goes on for a tenth.
        long common = chain.CommonBytes;
        bool isExact = budget / common <= options.Slots;
        _slotBytes = isExact ? common : (budget + options.Slots - 1) / options.Slots;
        _inBudget = (int)(budget / _slotBytes);
        _slots = isExact ? _inBudget : _inBudget + _inBudget / 10;
        _forwardSum = new double[_loss];
        for (int l = 1; l < _loss; l++) _forwardSum[l] = _forwardSum[l - 1] + chain[l].ForwardMs;
        long entries = (long)_loss * (_loss + 1) / 2 * (_slots + 1);
        if (entries > MaxEntries)
            throw new ArgumentException(
                $"{chain.Length} stages at {options.Slots} slots need a table of {entries:N0} entries, allowed are {MaxEntries:N0}: " +
                "join stages or lower the slots.");
        _cost = new double[entries];
        _nothing = new double[_slots + 1];
        Fill();
    }

    /// <summary>Slots that the budget leaves beside the input of the chain. No schedule of so many passes the budget.</summary>
    public int BudgetSlots => _inBudget - Up(_chain.InputBytes);

    /// <summary>Most slots beside the input of the chain that the table knows.</summary>
    public int MostSlots => _slots - Up(_chain.InputBytes);

    /// <summary>Least time of the step with <paramref name="slots"/> slots for all but the input; infinite where there is no
    /// schedule.</summary>
    public double Ms(int slots) => slots < 0 ? double.PositiveInfinity : Row(1, _loss)[slots];

    /// <summary>A schedule that takes <see cref="Ms"/>. Copies are placed so that nothing overlaps: freed right after they
    /// start, fetched right before their use.</summary>
    public List<ScheduleOp> Schedule(int slots)
    {
        var builder = new ScheduleBuilder(_chain.Length);
        Emit(builder, 1, _loss, slots);
        return builder.Ops;
    }

    private void Fill()
    {
        for (int s = _loss; s >= 1; s--)
        {
            for (int t = s; t <= _loss; t++)
            {
                var row = Row(s, t);
                row.Fill(double.PositiveInfinity);
                CollectMoves(s, t);
                foreach (var move in _moves) Relax(row, Inner(move, s, t), Tail(move, s), move);
            }
        }
    }

    // Nothing comes between forward and backward in (s, s).
    private ReadOnlySpan<double> Inner(in Move move, int s, int t) => s == t ? _nothing : Row(move.Inner, t);

    private ReadOnlySpan<double> Tail(in Move move, int s) => move.IsSplit ? Row(s, move.Inner - 1) : _nothing;

    private static void Relax(Span<double> row, ReadOnlySpan<double> inner, ReadOnlySpan<double> tail, in Move move)
    {
        // Vectors while the inner row has an entry for each lane; a copy to the host may gain slots and point past its end.
        int m = Math.Max(move.Need, move.Shift), lanes = Vector<double>.Count;
        var costs = new Vector<double>(move.Cost);
        for (int last = row.Length + Math.Min(move.Shift, 0) - lanes; m <= last; m += lanes)
        {
            var ms = costs + new Vector<double>(inner[(m - move.Shift)..]) + new Vector<double>(tail[m..]);
            Vector.Min(new Vector<double>(row[m..]), ms).CopyTo(row[m..]);
        }
        for (; m < row.Length; m++)
            row[m] = Math.Min(row[m], move.Cost + inner[Math.Min(m - move.Shift, row.Length - 1)] + tail[m]);
    }

    // Splits come first, so that among equals a checkpoint is preferred to saving everything.
    private void CollectMoves(int s, int t)
    {
        _moves.Clear();
        if (s == _loss)
        {
            // The loss makes the gradient of the last output beside that output.
            int made = Up(_chain.OutputBytes(_chain.Length));
            _moves.Add(new Move(_loss, made, Shift: 0, Cost: 0));
            return;
        }
        int gradient = t == _loss ? 0 : Up(_chain.OutputBytes(t));
        int need = 0;
        for (int k = s + 1; k <= t; k++)
        {
            var last = _chain[k - 1];
            int input = k - 1 == s ? 0 : Up(_chain.OutputBytes(k - 2));
            need = Math.Max(need, gradient + input + Up(last.OutputBytes) + Up(last.ForwardTransientBytes));
            var move = new Move(k, need, Up(last.OutputBytes), _forwardSum[k - 1] - _forwardSum[s - 1], IsSplit: true);
            _moves.Add(move);
            if (CanCopy) _moves.Add(ToHost(move, s, input: true, saved: false));
        }
        CollectSaves(s, t, gradient, _chain[s], isNarrow: false);
        if (_options.AllowNarrow && _chain[s].Narrow is { } narrow) CollectSaves(s, t, gradient, narrow, isNarrow: true);
    }

    private void CollectSaves(int s, int t, int gradient, ChainStage form, bool isNarrow)
    {
        int output = Up(form.OutputBytes), saved = Up(form.SavedBytes);
        int need = saved + Math.Max(gradient + Up(form.ForwardTransientBytes), output + Up(form.BackwardTransientBytes));
        var move = new Move(s + 1, need, s == t ? 0 : saved, form.ForwardMs + form.BackwardMs, IsNarrow: isNarrow);
        _moves.Add(move);
        if (s == t || !CanCopy) return;
        _moves.Add(ToHost(move, s, input: true, saved: false));
        if (form.InternalBytes == 0) return;
        _moves.Add(ToHost(move, s, input: false, saved: true));
        _moves.Add(ToHost(move, s, input: true, saved: true));
    }

    private bool CanCopy => double.IsFinite(_copyPrice);

    private Move ToHost(in Move move, int s, bool input, bool saved)
    {
        var link = _options.Link!.Value;
        int gained = 0;
        double ms = 0;
        if (input)
        {
            // The input lies outside of m, perhaps rounded up together with other tensors: only whole slots are gained.
            long bytes = _chain.OutputBytes(s - 1);
            gained += (int)(bytes / _slotBytes);
            ms += link.ToHostMs(bytes) + link.ToDeviceMs(bytes);
        }
        if (saved)
        {
            var form = _chain.Form(s, move.IsNarrow);
            gained += Up(form.SavedBytes) - Up(form.OutputBytes);
            ms += link.ToHostMs(form.InternalBytes) + link.ToDeviceMs(form.InternalBytes);
        }
        return move with { Shift = move.Shift - gained, Cost = move.Cost + _copyPrice * ms, InputToHost = input, SavedToHost = saved };
    }

    private void Emit(ScheduleBuilder builder, int s, int t, int slots)
    {
        if (s == _loss)
        {
            builder.Loss();
            return;
        }
        var move = Best(s, t, slots);
        if (move.IsSplit) builder.Advance(s, move.Inner);
        else builder.SaveAll(s, move.IsNarrow);
        if (move.InputToHost) builder.ToHost(ScheduleTensor.Output(s - 1));
        if (move.SavedToHost) builder.ToHost(ScheduleTensor.Saved(s));
        if (s < t) Emit(builder, move.Inner, t, Math.Min(slots - move.Shift, _slots));
        if (move.IsSplit) builder.Free(ScheduleTensor.Output(move.Inner - 1));
        if (move.SavedToHost) builder.ToDevice(ScheduleTensor.Saved(s));
        if (move.InputToHost) builder.ToDevice(ScheduleTensor.Output(s - 1));
        if (move.IsSplit) Emit(builder, s, move.Inner - 1, slots);
        else builder.Backward(s, move.IsNarrow);
    }

    private Move Best(int s, int t, int slots)
    {
        CollectMoves(s, t);
        Move best = default;
        double least = double.PositiveInfinity;
        foreach (var move in _moves)
        {
            if (slots < Math.Max(move.Need, move.Shift)) continue;
            double cost = move.Cost + Inner(move, s, t)[Math.Min(slots - move.Shift, _slots)] + Tail(move, s)[slots];
            if (cost >= least) continue;
            least = cost;
            best = move;
        }
        return best;
    }

    private int Up(long bytes) => (int)Math.Min((bytes + _slotBytes - 1) / _slotBytes, _slots + 1);

    // Rows of one t lie together: t(t - 1)/2 pairs end before it.
    private Span<double> Row(int s, int t) => _cost.AsSpan(checked(((t * (t - 1) / 2) + s - 1) * (_slots + 1)), _slots + 1);
}
