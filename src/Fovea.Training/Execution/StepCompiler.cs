namespace Fovea.Training;

/// <summary>Turns an order of steps into steps with lifetimes: drops what nobody reads, and finds the last reader of every result
/// and of every gradient.</summary>
internal sealed class StepCompiler
{
    private readonly Tape _tape;
    private readonly int? _loss; // its root; null: nothing runs backward
    private readonly bool[] _kept;
    private readonly bool[] _isActive; // operations through which the gradient of the loss flows

    private StepCompiler(Tape tape, int? loss, IEnumerable<int> kept)
    {
        _tape = tape;
        _loss = loss is { } slot ? tape.Slots[slot].Root : null;
        _kept = new bool[tape.Slots.Length];
        foreach (var result in kept) _kept[tape.Slots[result].Root] = true;
        if (_loss is { } root) _kept[root] = true;
        _isActive = Active();
    }

    /// <param name="tape">What was recorded.</param>
    /// <param name="loss">Slot of the loss; null for an inference.</param>
    /// <param name="kept">Slots that are read after the run.</param>
    /// <param name="order">Steps; every operation forward before its backward, backward in reverse order.</param>
    /// <exception cref="ArgumentException">The order reads a result that it has not computed, or runs a backward step twice, out
    /// of order or not at all.</exception>
    public static CompiledStep[] Compile(Tape tape, int? loss, IEnumerable<int> kept, IReadOnlyList<TapeStep> order)
    {
        var compiler = new StepCompiler(tape, loss, kept);
        var steps = compiler.Lifetimes(compiler.CheckBackward(order));
        compiler.Gradients(steps);
        return steps;
    }

    private bool[] Active()
    {
        var active = new bool[_tape.Count];
        var reached = new bool[_tape.Slots.Length];
        if (_loss is { } loss) reached[loss] = true;
        for (var i = _tape.Count - 1; i >= 0; i--)
        {
            var op = _tape.Ops[i];
            if (op.IsView || op.Wanted == 0 || !op.Outputs.Any(o => reached[o])) continue;
            active[i] = true;
            foreach (var input in Wanted(op)) reached[_tape.Slots[input].Root] = true;
        }
        return active;
    }

    private List<TapeStep> CheckBackward(IReadOnlyList<TapeStep> order)
    {
        var steps = new List<TapeStep>(order.Count);
        var next = _tape.Count - 1;
        foreach (var step in order)
        {
            var known = step.RunsOperation ? _tape.Count : _tape.Slots.Length;
            if ((uint)step.Index >= (uint)known)
                throw new ArgumentException($"the order has {step.Kind}({step.Index}), the tape has {known}", nameof(order));
            if (!step.RunsOperation && (_tape.Slots[step.Index].Producer < 0 || _tape.Slots[step.Index].Root != step.Index))
                throw new ArgumentException($"the order has {step.Kind}({step.Index}), which has no memory of its own", nameof(order));
            if (step.RunsOperation && _tape.Ops[step.Index].IsView) continue;
            if (step.Kind == TapeStepKind.Backward)
            {
                if (!_isActive[step.Index]) continue;
                while (next >= 0 && !_isActive[next]) next--;
                if (step.Index != next)
                    throw new ArgumentException($"the order runs operation {step.Index} backward where {next} is due", nameof(order));
                next--;
            }
            steps.Add(step);
        }
        while (next >= 0 && !_isActive[next]) next--;
        if (next >= 0) throw new ArgumentException($"the order never runs operation {next} backward", nameof(order));
        return steps;
    }

    // From the last step to the first: a result is live between its writing and its last reader.
    private CompiledStep[] Lifetimes(List<TapeStep> order)
    {
        var live = (bool[])_kept.Clone();
        var runs = new int[_tape.Count];
        foreach (var step in order)
            if (step.Kind == TapeStepKind.Forward) runs[step.Index]++;

        var steps = new List<CompiledStep>(order.Count);
        var dead = new List<int>();
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var step = order[i];
            var again = step.Kind == TapeStepKind.Forward && --runs[step.Index] > 0;
            var writes = Writes(step);
            var writesBuffers = step.Kind == TapeStepKind.Forward && !again && _tape.Ops[step.Index].Operation.WritesBuffers;
            if (writes.Length > 0 && !writesBuffers && !writes.Any(w => live[w])) continue; // nobody reads it
            dead.Clear();
            foreach (var root in writes)
            {
                if (!live[root]) dead.Add(root);
                live[root] = false;
            }
            foreach (var root in Reads(step))
            {
                if (_tape.Slots[root].Producer < 0 || live[root]) continue;
                live[root] = true;
                dead.Add(root);
            }
            steps.Add(new CompiledStep { Step = step, IsAgain = again, Dead = [.. dead] });
        }
        for (var slot = 0; slot < live.Length; slot++)
        {
            if (live[slot] && _tape.Slots[slot].Producer is >= 0 and var producer)
                throw new ArgumentException($"the order reads a result of operation {producer} ({_tape.Ops[producer].Path}) that it has not computed");
        }
        steps.Reverse();
        return [.. steps];
    }

    private int[] Writes(TapeStep step) => step.Kind switch
    {
        TapeStepKind.Forward => _tape.Ops[step.Index].Outputs,
        TapeStepKind.Prefetch or TapeStepKind.Widen => [step.Index],
        _ => [],
    };

    private IEnumerable<int> Reads(TapeStep step) => step.Kind switch
    {
        TapeStepKind.Forward => _tape.Ops[step.Index].Inputs.Where(i => i >= 0).Select(i => _tape.Slots[i].Root),
        TapeStepKind.Backward => _tape.SavedRoots(step.Index),
        TapeStepKind.Prefetch or TapeStepKind.Widen => [],
        _ => [step.Index],
    };

    // Gradients are computed once and in one order whatever the plan, so their sums have the same bits.
    private void Gradients(CompiledStep[] steps)
    {
        var begun = new bool[_tape.Slots.Length];
        if (_loss is { } loss) begun[loss] = true;
        var fresh = new List<int>();
        foreach (var step in steps)
        {
            if (step.Step.Kind != TapeStepKind.Backward) continue;
            var op = _tape.Ops[step.Step.Index];
            fresh.Clear();
            for (var i = 0; i < op.Inputs.Length; i++)
            {
                if ((op.Wanted >> i & 1) == 0) continue;
                var root = _tape.Slots[op.Inputs[i]].Root;
                if (begun[root]) continue;
                begun[root] = true;
                fresh.Add(root);
                step.Fresh |= 1u << i;
            }
            step.NewGradients = [.. fresh];
            step.DeadGradients = [.. op.Outputs.Where(o => begun[o])];
        }
    }

    private static IEnumerable<int> Wanted(TapeOp op)
    {
        for (var i = 0; i < op.Inputs.Length; i++)
            if ((op.Wanted >> i & 1) != 0) yield return op.Inputs[i];
    }
}
