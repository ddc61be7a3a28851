namespace Fovea.Training;

/// <summary>A recorded tape with an order of steps, ready to run: one run computes the loss and adds the gradients of all
/// parameters, or computes named results alone (<see cref="Inference"/>). Steps only enqueue, so a run can be captured
/// (<see cref="DeviceStream.BeginCapture"/>) and replayed.
/// <para>Gradients have the same bits whatever the order: backward steps always come in the reverse order of recording, and
/// what is computed again is computed by the same kernels from the same inputs.</para></summary>
public sealed partial class TapeProgram : IDisposable
{
    private readonly Tape _recorded; // whose values the caller has; another than what runs where operations were fused
    private readonly CompiledStep[] _steps;
    private readonly DeviceTensor?[] _tensors;   // by root slot
    private readonly DeviceTensor?[] _gradients; // by root slot; parameters keep their own
    private readonly ForwardPass _forward;
    private readonly BackwardPass _backward;
    private readonly Value _loss; // absent: inference
    private readonly HashSet<int> _kept;
    private readonly DeviceTensor? _seed; // gradient of the loss
    private readonly DeviceTensor _randomState;
    private DeviceTensor? _wrongState; // see BreaksRandomState
    private StepMeasure? _measure;
    private OtherStorage? _storage; // made by the first step that moves a result

    internal TapeProgram(DeviceStream stream, Tape tape, Value loss, IReadOnlyList<TapeStep> order, ReadOnlySpan<Value> kept)
        : this(stream, tape, tape, loss, order, kept)
    {
    }

    private TapeProgram(DeviceStream stream, Tape tape, Tape recorded, Value loss, IReadOnlyList<TapeStep> order, ReadOnlySpan<Value> kept)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (loss.IsPresent) CheckLoss(tape, loss);
        Stream = stream;
        Tape = tape;
        _recorded = recorded;
        _loss = loss;
        _kept = [];
        foreach (var value in kept) _kept.Add(value.Slot);
        _steps = StepCompiler.Compile(tape, loss.IsPresent ? loss.Slot : null, _kept, order);
        _tensors = new DeviceTensor?[tape.Slots.Length];
        _gradients = new DeviceTensor?[tape.Slots.Length];
        _forward = new ForwardPass(this);
        _backward = new BackwardPass(this);
        _randomState = DeviceTensor.From(stream, [0L, 0L], 2);
        if (!loss.IsPresent)
        {
            PackParameters();
            return;
        }
        _seed = DeviceTensor.From(stream, [1f], tape.Slots[tape.Slots[loss.Slot].Root].Spec.Shape); // a loss may be a view: [] of [1]
        foreach (var parameter in tape.Parameters)
            if (parameter.RequiresGradient) parameter.ReserveGradient(stream);
    }

    /// <summary>Where the work goes.</summary>
    public DeviceStream Stream { get; }

    /// <summary>What runs: what was recorded, or what fusion made of it.</summary>
    public Tape Tape { get; }

    /// <summary>Steps that run an operation for the first time, per run.</summary>
    public int ForwardSteps => _steps.Count(s => s.Step.Kind == TapeStepKind.Forward && !s.IsAgain);

    /// <summary>Steps that run an operation again, per run.</summary>
    public int RecomputedSteps => _steps.Count(s => s.Step.Kind == TapeStepKind.Forward && s.IsAgain);

    /// <summary>Checks every result and gradient for NaN and infinities, and waits for each: for finding a fault, not for
    /// training. A run throws <see cref="AnomalyException"/>, which names the operation that made the first one.</summary>
    public bool DetectsAnomalies { get; set; }

    /// <summary>The same tape, loss and kept results in another order.</summary>
    internal TapeProgram Reordered(IReadOnlyList<TapeStep> order) =>
        new(Stream, Tape, _loss, order, [.. _kept.Select(slot => new Value(Tape, slot))]);

    internal int LossSlot => PresentLoss.Slot;

    internal IReadOnlyCollection<int> Kept => _kept;

    /// <summary>For tests of the tests: recomputation draws other random numbers than the first time.</summary>
    internal bool BreaksRandomState { get; set; }

    /// <summary>For tests of the tests: recomputation writes buffers as the first time.</summary>
    internal bool BreaksBuffers { get; set; }

    /// <summary>Gives an input another tensor, of the same data type and shape, from the next run on. The caller keeps it
    /// alive.</summary>
    public void Bind(Value input, DeviceTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var slot = OwnInput(input);
        if (!slot.Spec.Equals(TensorSpec.Of(tensor))) throw new ArgumentException($"{input} cannot be bound to {tensor}", nameof(tensor));
        slot.Bound = tensor;
    }

    /// <summary>Seed and offset of the random numbers of the next runs. Equal states give equal dropout masks; one run uses at
    /// most 2^32 offsets.</summary>
    public void SetRandomState(long seed, long offset) => _randomState.CopyFrom<long>(Stream, [seed, offset]);

    /// <summary>The gradient that the loss starts with, 1 unless set: a loss scale, or 1/K for a mean over K runs.</summary>
    /// <exception cref="InvalidOperationException">The program is an inference.</exception>
    public void SetLossGradient(float value) => (_seed ?? throw NoLoss()).CopyFrom(Stream, [value]);

    /// <summary>Enqueues one run. Parameter gradients are added to those that are there.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The pool's budget does not suffice. What the run allocated is given back; the
    /// gradients are incomplete.</exception>
    /// <exception cref="AnomalyException"><see cref="DetectsAnomalies"/> is set and a value is not finite.</exception>
    public void Run()
    {
        Clear();
        try
        {
            if (_loss.IsPresent) _gradients[Tape.Slots[_loss.Slot].Root] = _seed;
            foreach (var step in _steps) Run(step);
        }
        catch
        {
            Clear();
            throw;
        }
        if (!_loss.IsPresent) return;
        foreach (var parameter in Tape.Parameters)
            if (parameter is { RequiresGradient: true, HasGradient: false }) parameter.BeginGradient(Stream).Fill(Stream, 0);
    }

    /// <summary>The loss of the last run.</summary>
    /// <exception cref="InvalidOperationException">The program is an inference.</exception>
    public DeviceTensor Loss => Read(PresentLoss);

    /// <summary>Waits, and copies the loss of the last run.</summary>
    public float ReadLoss()
    {
        Span<float> loss = [0];
        Loss.CopyTo(Stream, loss);
        return loss[0];
    }

    /// <summary>A result of the last run that was kept for reading.</summary>
    /// <exception cref="InvalidOperationException">It was not kept, or nothing ran yet.</exception>
    public DeviceTensor Read(Value value)
    {
        Own(value);
        if (value != _loss && !_kept.Contains(value.Slot))
            throw new InvalidOperationException($"{value} was not kept: name it when compiling");
        return Tensor(value.Slot);
    }

    /// <summary>The gradient of an input that asked for one, after a run.</summary>
    public DeviceTensor Gradient(Value input)
    {
        OwnInput(input);
        return GradientOrNull(input.Slot) ?? throw new InvalidOperationException($"{input} has no gradient");
    }

    /// <summary>Gives back what the last run left. Parameters are not touched.</summary>
    public void Dispose()
    {
        Clear();
        _seed?.Dispose();
        _randomState.Dispose();
        _wrongState?.Dispose();
        _storage?.Dispose();
        foreach (var made in _packed.Values.Concat(_folded)) made.Dispose();
    }

    internal DeviceTensor RandomStateFor(bool again) =>
        again && BreaksRandomState ? _wrongState ??= DeviceTensor.From(Stream, [1L, 1L], 2) : _randomState;

    /// <summary>The tensor of a slot; views are made when they are asked for.</summary>
    internal DeviceTensor Tensor(int slot)
    {
        var at = Tape.Slots[slot];
        if (at.Producer >= 0 && Tape.Ops[at.Producer] is { Operation: ViewOperation view } op) return view.Apply(Tensor(op.Inputs[0]));
        return at.Parameter?.Value ?? at.Bound ?? _tensors[slot]
            ?? throw new InvalidOperationException(at.Producer < 0 ? $"input {slot} {at.Spec} is not bound" : $"%{slot} {at.Spec} is not in memory");
    }

    /// <summary>The gradient of a slot that has begun, seen as the slot sees its root.</summary>
    internal DeviceTensor? GradientOrNull(int slot)
    {
        var at = Tape.Slots[slot];
        if (at.Producer >= 0 && Tape.Ops[at.Producer] is { Operation: ViewOperation view } op)
            return GradientOrNull(op.Inputs[0]) is { } source ? view.Apply(source) : null;
        return at.Parameter is { } parameter ? parameter.HasGradient ? parameter.Gradient : null : _gradients[slot];
    }

    internal DeviceTensor Gradient(int slot) => GradientOrNull(slot) ?? throw new InvalidOperationException($"%{slot} has no gradient");

    private void Run(CompiledStep step)
    {
        var index = step.Step.Index;
        switch (step.Step.Kind)
        {
            case TapeStepKind.Forward:
                RunForward(Tape.Ops[index], step);
                break;
            case TapeStepKind.Backward:
                RunBackward(Tape.Ops[index], step);
                break;
            default:
                Move(step.Step.Kind, index);
                break;
        }
        foreach (var root in step.Dead) Replace(root, null);
        foreach (var root in step.DeadGradients) DropGradient(root);
    }

    private void RunForward(TapeOp op, CompiledStep step)
    {
        foreach (var input in op.Inputs)
            if (input >= 0) Await(input);
        foreach (var output in op.Outputs) Replace(output, Allocate(output));
        _measure?.Begin();
        op.Operation.Forward(_forward.At(op, (step.IsAgain && !BreaksBuffers) || _measure is not null));
        _measure?.End(step.Step);
        if (DetectsAnomalies) CheckForward(op);
    }

    private void RunBackward(TapeOp op, CompiledStep step)
    {
        foreach (var root in Tape.SavedRoots(step.Step.Index)) Await(root);
        if (_measure is null) CallHooks(op);
        var fresh = BeginGradients(op, step);
        _measure?.Begin();
        _backward.Run(op, fresh);
        _measure?.End(step.Step);
        if (DetectsAnomalies) CheckBackward(op);
    }

    // Gradients that this step begins: bit i of the result says that input i is to be written, not added to.
    private uint BeginGradients(TapeOp op, CompiledStep step)
    {
        var fresh = step.Fresh;
        for (var i = 0; i < op.Inputs.Length; i++)
        {
            if ((fresh >> i & 1) == 0) continue;
            var slot = Tape.Slots[op.Inputs[i]];
            var root = Tape.Slots[slot.Root];
            if (root.Parameter is { HasGradient: true })
            {
                fresh &= ~(1u << i); // an earlier run's, to be added to
                continue;
            }
            var gradient = root.Parameter?.BeginGradient(Stream)
                ?? (_gradients[slot.Root] = Allocate(slot.Root));
            if (!IsWhole(op.Inputs[i])) gradient.Fill(Stream, 0);
        }
        return fresh;
    }

    // Whether writing through a slot writes its whole root.
    private bool IsWhole(int slot)
    {
        while (Tape.Slots[slot].Root != slot)
        {
            var op = Tape.Ops[Tape.Slots[slot].Producer];
            if (op.Operation is ViewOperation { IsWhole: false }) return false;
            slot = op.Inputs[0];
        }
        return true;
    }

    private void CallHooks(TapeOp op)
    {
        foreach (var (slot, hook) in Tape.Hooks)
            if (Array.IndexOf(op.Outputs, slot) >= 0 && GradientOrNull(slot) is { } gradient) hook(Stream, gradient);
    }

    private DeviceTensor Allocate(int root) => DeviceTensor.Allocate(Stream, Tape.Slots[root].Spec.DType, Tape.Slots[root].Spec.Shape);

    private void Replace(int root, DeviceTensor? tensor)
    {
        _tensors[root]?.Dispose();
        _tensors[root] = tensor;
    }

    private void DropGradient(int root)
    {
        if (_gradients[root] != _seed) _gradients[root]?.Dispose();
        _gradients[root] = null;
    }

    private void Clear()
    {
        for (var root = 0; root < _tensors.Length; root++)
        {
            Replace(root, null);
            DropGradient(root);
        }
        _storage?.Clear();
    }

    private Value PresentLoss => _loss.IsPresent ? _loss : throw NoLoss();

    private static InvalidOperationException NoLoss() => new("an inference has no loss");

    private static void CheckLoss(Tape tape, Value loss)
    {
        if (loss.Owner != tape) throw new ArgumentException("the loss is of another tape", nameof(loss));
        if (loss.Spec.ElementCount != 1 || loss.Spec.DType != DType.Float32)
            throw new ArgumentException($"a loss is one f32 element, this is {loss.Spec}", nameof(loss));
        if (tape.Slots[tape.Slots[loss.Slot].Root].Spec.ElementCount != 1)
            throw new ArgumentException($"{loss} is a part of a larger result; make it a result of its own, for example its sum", nameof(loss));
        if (!loss.RequiresGradient) throw new ArgumentException("no parameter leads to the loss", nameof(loss));
    }

    private Slot OwnInput(Value input) => Own(input) is { Producer: < 0, Parameter: null } slot
        ? slot
        : throw new ArgumentException($"{input} is not an input", nameof(input));

    private Slot Own(Value value) => value.Owner == _recorded ? Tape.Slots[value.Slot] : throw new ArgumentException($"{value} is of another tape");
}
