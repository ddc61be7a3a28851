using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fovea.Training;

/// <summary>A recorded order of operations. Recording runs nothing: it checks shapes and notes which kernel reads and writes which
/// slot. <see cref="Compile"/> turns the record into a <see cref="TapeProgram"/> that runs forward and backward as often as
/// wanted, under a plan that says what is kept and what is computed again.
/// <para>Because the record holds kernels and attributes and no callbacks, computing a range of it again cannot diverge from the
/// first time.</para></summary>
public sealed class Tape
{
    private readonly Dictionary<Parameter, Value> _parameters = [];
    private readonly List<Slot> _slots = [];
    private readonly List<TapeOp> _ops = [];
    private readonly List<Segment> _segments = [];
    private readonly List<(int Slot, GradientHook Hook)> _hooks = [];
    private readonly Stack<string> _scopes = [];
    private int _withoutGradient;
    private long _sequences;

    /// <summary>Parameters in the order of their first use.</summary>
    public IReadOnlyCollection<Parameter> Parameters => _parameters.Keys;

    /// <summary>Number of recorded operations.</summary>
    public int Count => _ops.Count;

    /// <summary>Multiply-adds of the recorded convolutions, linear layers and matrix products, forward.</summary>
    public long MultiplyAdds
    {
        get
        {
            long sum = 0;
            foreach (var op in _ops)
            {
                TensorSpec?[] inputs = [.. op.Inputs.Select(slot => slot < 0 ? null : _slots[slot].Spec)];
                sum += op.Operation.MultiplyAdds(inputs, [.. op.Outputs.Select(slot => _slots[slot].Spec)]);
            }
            return sum;
        }
    }

    internal ReadOnlySpan<Slot> Slots => CollectionsMarshal.AsSpan(_slots);

    internal ReadOnlySpan<TapeOp> Ops => CollectionsMarshal.AsSpan(_ops);

    internal IReadOnlyList<Segment> Segments => _segments;

    internal IReadOnlyList<(int Slot, GradientHook Hook)> Hooks => _hooks;

    /// <summary>A tensor that is bound later, by <see cref="TapeProgram.Bind"/>, to another tensor for each run if
    /// wanted.</summary>
    /// <param name="spec">Its data type and shape.</param>
    /// <param name="requiresGradient">Whether its own gradient is asked for; f32 only.</param>
    public Value Input(TensorSpec spec, bool requiresGradient = false)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (requiresGradient && spec.DType is DType.Int32 or DType.Int64 or DType.UInt8)
            throw new ArgumentException($"an input of type {spec.DType} has no gradient", nameof(requiresGradient));
        return Add(new Slot { Spec = spec, Root = _slots.Count, RequiresGradient = requiresGradient });
    }

    /// <summary>A tensor that is bound already. The caller keeps it alive while programs of this tape run.</summary>
    public Value Input(DeviceTensor tensor, bool requiresGradient = false)
    {
        var value = Input(TensorSpec.Of(tensor), requiresGradient);
        _slots[value.Slot].Bound = tensor;
        return value;
    }

    /// <summary>The value of a parameter; the same value for every use, so that its gradients add up.</summary>
    public Value Use(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (_parameters.TryGetValue(parameter, out var known)) return known;
        return _parameters[parameter] = Add(new Slot
        {
            Spec = parameter.Spec,
            Root = _slots.Count,
            RequiresGradient = parameter.RequiresGradient,
            Parameter = parameter,
        });
    }

    /// <summary>Records an operation with one result.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit, or an input is of another tape.</exception>
    public Value Record(Operation operation, params ReadOnlySpan<Value> inputs)
    {
        Span<Value> output = [default];
        Record(operation, inputs, output);
        return output[0];
    }

    /// <summary>Records an operation with several results.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit, or an input is of another tape.</exception>
    public void Record(Operation operation, ReadOnlySpan<Value> inputs, Span<Value> outputs)
    {
        ArgumentNullException.ThrowIfNull(operation);
        if (outputs.Length != operation.OutputCount)
            throw new ArgumentException($"{operation.Name} has {operation.OutputCount} results, room is for {outputs.Length}", nameof(outputs));
        var slots = new int[inputs.Length];
        var specs = new TensorSpec?[inputs.Length];
        uint wanted = 0;
        for (var i = 0; i < inputs.Length; i++)
        {
            slots[i] = -1;
            if (!inputs[i].IsPresent) continue;
            if (inputs[i].Owner != this) throw new ArgumentException($"{operation.Name}: input {i} is of another tape", nameof(inputs));
            slots[i] = inputs[i].Slot;
            specs[i] = inputs[i].Spec;
            if (_withoutGradient == 0 && inputs[i].RequiresGradient) wanted |= 1u << i;
        }
        var results = new TensorSpec[outputs.Length];
        operation.Infer(specs, results);

        var written = new int[outputs.Length];
        for (var i = 0; i < outputs.Length; i++)
        {
            written[i] = _slots.Count;
            outputs[i] = Add(new Slot
            {
                Spec = results[i],
                Producer = _ops.Count,
                Root = operation is ViewOperation ? _slots[slots[0]].Root : _slots.Count,
                RequiresGradient = wanted != 0,
            });
        }
        var path = string.Join('/', _scopes.Reverse());
        _ops.Add(new TapeOp(operation, slots, written, wanted, path));
    }

    /// <summary>The same tensor, through which no gradient flows.</summary>
    public Value Detach(Value value)
    {
        using (NoGradient()) return Record(new ReshapeOperation(value.Spec), value);
    }

    /// <summary>What is recorded until the scope is disposed gets no backward pass.</summary>
    public Scope NoGradient()
    {
        _withoutGradient++;
        return new Scope(() => _withoutGradient--);
    }

    /// <summary>Names what is recorded until the scope is disposed, for plans and error messages.</summary>
    public Scope Named(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _scopes.Push(name);
        return new Scope(() => _scopes.Pop());
    }

    /// <summary>Calls <paramref name="hook"/> in each run when the gradient of <paramref name="value"/> is complete. The hook
    /// enqueues work on the stream; it may change the gradient in place.</summary>
    /// <exception cref="ArgumentException">No gradient flows into the value, or it is a view.</exception>
    public void OnGradient(Value value, GradientHook hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        if (value.Owner != this || !value.RequiresGradient || Slots[value.Slot].Root != value.Slot)
            throw new ArgumentException($"{value} has no gradient of its own on this tape", nameof(value));
        _hooks.Add((value.Slot, hook));
    }

    /// <summary>Prepares to run: <paramref name="loss"/> is the scalar whose gradients are wanted.</summary>
    /// <param name="stream">Where the runs go, and whose pool they use.</param>
    /// <param name="loss">One element, f32.</param>
    /// <param name="order">What runs when; null: every operation once, but marked segments (<see cref="Checkpoint"/>) again for
    /// their backward pass.</param>
    /// <param name="kept">Results that are read after a run.</param>
    /// <exception cref="ArgumentException">The loss is not a scalar, or the order does not compute what it reads.</exception>
    public TapeProgram Compile(DeviceStream stream, Value loss, IReadOnlyList<TapeStep>? order = null, params ReadOnlySpan<Value> kept) =>
        new(stream, this, loss, order ?? TapeOrder.MarkedSegments(this), kept);

    /// <summary>A tape of the same operations and slots, to be rewritten.</summary>
    internal Tape Copy()
    {
        var copy = new Tape();
        copy._slots.AddRange(_slots);
        copy._ops.AddRange(_ops);
        foreach (var (parameter, value) in _parameters) copy._parameters.Add(parameter, value);
        return copy;
    }

    internal void Replace(int index, TapeOp op) => _ops[index] = op;

    /// <summary>A slot for a tensor that the caller keeps alive; its number.</summary>
    internal int AddConstant(DeviceTensor tensor) =>
        Add(new Slot { Spec = TensorSpec.Of(tensor), Root = _slots.Count, Bound = tensor, IsConstant = true }).Slot;

    /// <summary>A number for the next operation that draws random numbers.</summary>
    internal long NextSequence() => _sequences++;

    /// <summary>Roots of what the backward pass of an operation reads.</summary>
    internal IEnumerable<int> SavedRoots(int index)
    {
        var op = _ops[index];
        for (var i = 0; i < op.Inputs.Length; i++)
            if ((op.Saves.Inputs >> i & 1) != 0 && op.Inputs[i] >= 0) yield return _slots[op.Inputs[i]].Root;
        for (var i = 0; i < op.Outputs.Length; i++)
            if ((op.Saves.Outputs >> i & 1) != 0) yield return op.Outputs[i];
    }

    internal int BeginSegment()
    {
        _segments.Add(new Segment(_ops.Count, -1));
        return _segments.Count - 1;
    }

    internal void EndSegment(int segment) => _segments[segment] = _segments[segment] with { End = _ops.Count };

    private Value Add(Slot slot)
    {
        Debug.Assert(slot.Root <= _slots.Count);
        _slots.Add(slot);
        return new Value(this, _slots.Count - 1);
    }

    /// <summary>Operations [Begin, End) that were recorded inside a checkpointed segment.</summary>
    internal readonly record struct Segment(int Begin, int End);

    /// <summary>Ends what it began when it is disposed.</summary>
    public readonly struct Scope : IDisposable
    {
        private readonly Action _end;

        internal Scope(Action end) => _end = end;

        /// <inheritdoc/>
        public void Dispose() => _end();
    }
}
