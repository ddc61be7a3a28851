namespace Fovea.Training;

/// <summary>Turns an order of steps into steps with lifetimes: drops what nobody reads, and finds the last reader of every result
/// and of every gradient.</summary>
internal sealed class StepCompiler
{
    private readonly Tape _tape;
    private readonly int _loss;
    private readonly bool[] _kept;
    private readonly bool[] _isActive; // operations through which the gradient of the loss flows

    private StepCompiler(Tape tape, int loss, IEnumerable<int> kept)
    {
        _tape = tape;
        _loss = tape.Slots[loss].Root;
        _kept = new bool[tape.Slots.Length];
        foreach (var slot in kept) _kept[tape.Slots[slot].Root] = true;
        _kept[_loss] = true;
        _isActive = Active();
    }

    /// <param name="tape">What was recorded.</param>
    /// <param name="loss">Slot of the loss.</param>
    /// <param name="kept">Slots that are read after the run.</param>
    /// <param name="order">Steps; every operation forward before its backward, backward in reverse order.</param>
    /// <exception cref="ArgumentException">The order reads a result that it has not computed, or runs a backward step twice, out
    /// of order or not at all.</exception>
    public static CompiledStep[] Compile(Tape tape, int loss, IEnumerable<int> kept, IReadOnlyList<TapeStep> order)
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
        reached[_loss] = true;
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
            if ((uint)step.Index >= (uint)_tape.Count)
                throw new ArgumentException($"the order names operation {step.Index}, the tape has {_tape.Count}", nameof(order));
            if (_tape.Ops[step.Index].IsView) continue;
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
        var ran = new int[_tape.Count];
        foreach (var step in order)
            if (step.Kind == TapeStepKind.Forward) ran[step.Index]++;

        var steps = new List<CompiledStep>(order.Count);
        var dead = new List<int>();
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var op = _tape.Ops[order[i].Index];
            var again = false;
            dead.Clear();
            if (order[i].Kind is TapeStepKind.Forward or TapeStepKind.Prefetch)
            {
                if (order[i].Kind == TapeStepKind.Forward) again = --ran[order[i].Index] > 0;
                var needed = op.Outputs.Any(o => live[o]) || (op.Operation.WritesBuffers && !again);
                if (!needed) continue;
                foreach (var output in op.Outputs)
                {
                    if (!live[output]) dead.Add(output);
                    live[output] = false;
                }
            }
            foreach (var root in Reads(order[i].Kind, op))
            {
                if (_tape.Slots[root].Producer < 0 || live[root]) continue;
                live[root] = true;
                dead.Add(root);
            }
            steps.Add(new CompiledStep { Step = order[i], IsAgain = again, Dead = [.. dead] });
        }
        for (var slot = 0; slot < live.Length; slot++)
        {
            if (live[slot] && _tape.Slots[slot].Producer is >= 0 and var producer)
                throw new ArgumentException($"the order reads a result of operation {producer} ({_tape.Ops[producer].Path}) that it has not computed");
        }
        steps.Reverse();
        return [.. steps];
    }

    private IEnumerable<int> Reads(TapeStepKind kind, TapeOp op)
    {
        switch (kind)
        {
            case TapeStepKind.Forward:
                foreach (var input in op.Inputs)
                    if (input >= 0) yield return _tape.Slots[input].Root;
                break;
            case TapeStepKind.Backward:
                for (var i = 0; i < op.Inputs.Length; i++)
                    if ((op.Saves.Inputs >> i & 1) != 0 && op.Inputs[i] >= 0) yield return _tape.Slots[op.Inputs[i]].Root;
                for (var i = 0; i < op.Outputs.Length; i++)
                    if ((op.Saves.Outputs >> i & 1) != 0) yield return op.Outputs[i];
                break;
            case TapeStepKind.Offload:
                foreach (var output in op.Outputs) yield return output;
                break;
        }
    }

    // Gradients are computed once and in one order whatever the plan, so their sums have the same bits.
    private void Gradients(CompiledStep[] steps)
    {
        var begun = new bool[_tape.Slots.Length];
        begun[_loss] = true;
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
