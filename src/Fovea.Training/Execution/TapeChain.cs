using Fovea.Training.Planning;

namespace Fovea.Training;

/// <summary>A tape seen as a chain of stages, as planners want it: cut wherever a single result is all that later operations read
/// of earlier ones. A block with skip connections or several paths is one stage.</summary>
public sealed class TapeChain
{
    private readonly Tape _tape;
    private readonly int[] _ends;    // one past the last operation of each stage
    private readonly int[] _outputs; // root slot that leaves each stage
    private readonly int[][] _saved; // roots that backward reads, without the output

    private TapeChain(Tape tape, StepProfile profile, CompiledStep[] keepAll, (int[] Ends, int[] Outputs) cuts)
    {
        _tape = tape;
        (_ends, _outputs) = cuts;
        _saved = new int[_ends.Length][];
        var steps = keepAll.Where(s => s.Step.RunsOperation).ToLookup(s => s.Step);
        var stages = new ChainStage[_ends.Length];
        for (var l = 0; l < stages.Length; l++) stages[l] = Measure(l, profile, steps);
        Chain = new Chain(0, stages);
    }

    /// <summary>The stages with measured costs. The input of the chain counts nothing: it belongs to the caller.</summary>
    public Chain Chain { get; }

    /// <summary>Finds the stages of a tape.</summary>
    /// <param name="program">A program of the tape, in any order.</param>
    /// <param name="profile">Its measured costs.</param>
    public static TapeChain Of(TapeProgram program, StepProfile profile)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(profile);
        var keepAll = StepCompiler.Compile(program.Tape, program.LossSlot, program.Kept, TapeOrder.KeepAll(program.Tape));
        return new TapeChain(program.Tape, profile, keepAll, Cuts(program.Tape, program.LossSlot));
    }

    /// <summary>The steps that do what a schedule over <see cref="Chain"/> says.</summary>
    public IReadOnlyList<TapeStep> Order(IEnumerable<ScheduleOp> schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        var steps = new List<TapeStep>();
        var onHost = new HashSet<ScheduleTensor>();
        foreach (var op in schedule)
        {
            switch (op.Kind)
            {
                case ScheduleOpKind.ForwardSaveAll or ScheduleOpKind.ForwardCheckpoint or ScheduleOpKind.ForwardDiscard:
                    for (var i = Begin(op.Stage); i < _ends[op.Stage - 1]; i++) steps.Add(TapeStep.Forward(i));
                    if (op.IsNarrow) AddMoves(steps, TapeStepKind.Narrow, Narrowed(op.Stage - 1));
                    break;
                case ScheduleOpKind.Backward:
                    if (op.IsNarrow) AddMoves(steps, TapeStepKind.Widen, Narrowed(op.Stage - 1));
                    for (var i = _ends[op.Stage - 1] - 1; i >= Begin(op.Stage); i--) steps.Add(TapeStep.Backward(i));
                    break;
                case ScheduleOpKind.Offload:
                    onHost.Add(op.Tensor);
                    AddMoves(steps, TapeStepKind.Offload, Roots(op.Tensor));
                    break;
                case ScheduleOpKind.Free when onHost.Contains(op.Tensor):
                    AddMoves(steps, TapeStepKind.Release, Roots(op.Tensor));
                    break;
                case ScheduleOpKind.Prefetch:
                    onHost.Remove(op.Tensor);
                    AddMoves(steps, TapeStepKind.Prefetch, Roots(op.Tensor));
                    break;
            }
        }
        return steps;
    }

    // Positions where the operations in front leave one result to those behind.
    private static (int[] Ends, int[] Outputs) Cuts(Tape tape, int loss)
    {
        var root = tape.Slots[loss].Root;
        var lastReader = new int[tape.Slots.Length];
        for (var i = 0; i < tape.Count; i++)
            foreach (var input in tape.Ops[i].Inputs)
                if (input >= 0 && !tape.Ops[i].IsView) lastReader[tape.Slots[input].Root] = i;
        lastReader[root] = tape.Count;

        var (ends, outputs) = (new List<int>(), new List<int>());
        var crossing = new HashSet<int>();
        for (var i = 0; i < tape.Count; i++)
        {
            if (tape.Ops[i].IsView) continue;
            foreach (var output in tape.Ops[i].Outputs)
                if (lastReader[output] > i) crossing.Add(output);
            crossing.RemoveWhere(r => lastReader[r] <= i);
            if (crossing.Count != 1 || !tape.Ops[i].Outputs.Contains(crossing.Single())) continue;
            ends.Add(i + 1);
            outputs.Add(crossing.Single());
            if (outputs[^1] == root) break;
        }
        return ([.. ends], [.. outputs]);
    }

    private ChainStage Measure(int l, StepProfile profile, ILookup<TapeStep, CompiledStep> steps)
    {
        var made = new HashSet<int>();
        double forwardMs = 0, backwardMs = 0;
        long saving = 0, savingPeak = 0;
        for (var i = Begin(l + 1); i < _ends[l]; i++)
        {
            foreach (var step in steps[TapeStep.Forward(i)])
            {
                foreach (var output in _tape.Ops[i].Outputs) saving += made.Add(output) ? Bytes(output) : 0;
                savingPeak = Math.Max(savingPeak, saving + profile.ForwardBytes(i));
                saving -= step.Dead.Where(made.Contains).Sum(Bytes);
                forwardMs += profile.ForwardMs(i);
            }
        }
        var output1 = Bytes(_outputs[l]);
        _saved[l] = [.. made.Where(r => r != _outputs[l]).Where(IsSaved)];

        long live = saving + output1, backwardPeak = live;
        for (var i = _ends[l] - 1; i >= Begin(l + 1); i--)
        {
            foreach (var step in steps[TapeStep.Backward(i)])
            {
                live += step.NewGradients.Where(r => _tape.Slots[r].Parameter is null).Sum(Bytes);
                backwardPeak = Math.Max(backwardPeak, live + profile.BackwardBytes(i));
                live -= step.Dead.Where(made.Contains).Sum(Bytes) + step.DeadGradients.Sum(Bytes);
                backwardMs += profile.BackwardMs(i);
            }
        }
        var stage = new ChainStage(forwardMs, backwardMs, output1, saving,
            Math.Max(savingPeak - saving, DiscardingPeak(l, profile) - output1), backwardPeak - saving - output1)
        {
            Name = _tape.Ops[_ends[l] - 1].Path,
        };
        return stage with { Narrow = Narrow(l, stage, profile) };

        bool IsSaved(int root)
        {
            for (var i = Begin(l + 1); i < _ends[l]; i++)
                if (steps[TapeStep.Backward(i)].Any() && _tape.SavedRoots(i).Contains(root)) return true;
            return false;
        }
    }

    // The stage with its f32 results kept as bf16, or null where that gains nothing. Conversion goes result by result, so that one
    // of them at a time is there in both forms.
    private ChainStage? Narrow(int l, ChainStage stage, StepProfile profile)
    {
        long wide = Narrowed(l).Sum(Bytes), narrow = Narrowed(l).Sum(NarrowBytes);
        if (wide <= narrow) return null;
        var castMs = wide / profile.CastBytesPerMs;
        var casting = Narrowed(l).Max(NarrowBytes);
        return stage with
        {
            ForwardMs = stage.ForwardMs + castMs,
            BackwardMs = stage.BackwardMs + castMs,
            SavedBytes = stage.SavedBytes - wide + narrow,
            ForwardTransientBytes = wide - narrow + Math.Max(stage.ForwardTransientBytes, casting),
            BackwardTransientBytes = wide - narrow + Math.Max(stage.BackwardTransientBytes, casting),
        };
    }

    // Most bytes of a stage that runs forward and keeps its output only.
    private long DiscardingPeak(int l, StepProfile profile)
    {
        var lastReader = new Dictionary<int, int>();
        for (var i = Begin(l + 1); i < _ends[l]; i++)
            foreach (var input in _tape.Ops[i].Inputs)
                if (input >= 0) lastReader[_tape.Slots[input].Root] = i;
        long live = 0, peak = 0;
        var made = new HashSet<int>();
        for (var i = Begin(l + 1); i < _ends[l]; i++)
        {
            if (_tape.Ops[i].IsView) continue;
            foreach (var output in _tape.Ops[i].Outputs) live += made.Add(output) ? Bytes(output) : 0;
            peak = Math.Max(peak, live + profile.ForwardBytes(i));
            var dead = made.Where(r => r != _outputs[l] && lastReader.GetValueOrDefault(r, -1) <= i).ToArray();
            foreach (var root in dead)
            {
                made.Remove(root);
                live -= Bytes(root);
            }
        }
        return peak;
    }

    private int Begin(int stage) => stage <= 1 ? 0 : _ends[stage - 2];

    private int[] Roots(ScheduleTensor tensor) => tensor.IsSaved ? _saved[tensor.Stage - 1] : [_outputs[tensor.Stage - 1]];

    // Indices and masks stay as they are.
    private IEnumerable<int> Narrowed(int l) => _saved[l].Where(root => _tape.Slots[root].Spec.DType == DType.Float32);

    private long NarrowBytes(int root) => DeviceMemoryPool.BlockBytes(_tape.Slots[root].Spec.ElementCount * DType.BFloat16.Size());

    private long Bytes(int root) => DeviceMemoryPool.BlockBytes(_tape.Slots[root].Spec.Bytes);

    private static void AddMoves(List<TapeStep> steps, TapeStepKind kind, IEnumerable<int> roots)
    {
        foreach (var root in roots) steps.Add(new TapeStep(kind, root));
    }
}
