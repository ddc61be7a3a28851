using System.Diagnostics.CodeAnalysis;

namespace Fovea.Training.Planning;

/// <summary>Runs a schedule on paper: checks that every operand is live, counts live bytes and follows two engines, compute and
/// copy, each of which works in the order of the list. A plan is valid if and only if this accepts it.</summary>
/// <remarks>Bytes depend on the order of the ops alone: a tensor leaves the device at its <see cref="ScheduleOpKind.Free"/>,
/// never when some copy happens to end. So measured memory can equal the prediction exactly; only time is an
/// estimate.</remarks>
public sealed class ScheduleSimulator
{
    /// <summary>Where a tensor is: its bytes on the device and on the host, or -1 where it is not.</summary>
    private sealed class Place
    {
        public long Device = -1;
        public long Host = -1;
        public double ReadyMs;
        public double CopiedMs;
    }

    private readonly Chain _chain;
    private readonly HostLink? _link;
    private readonly Place[] _outputs, _saved, _gradients;
    private readonly bool[] _isNarrow;
    private readonly int[] _forwardRuns;
    private readonly List<SimulatedStep> _steps = [];
    private long _live, _stepPeak, _host, _hostPeak;
    private double _computeFree, _copyFree, _computeMs, _copyMs;
    private ScheduleOp _op;

    private ScheduleSimulator(Chain chain, HostLink? link)
    {
        _chain = chain;
        _link = link;
        int places = chain.Length + 1;
        _outputs = Places(places);
        _saved = Places(places);
        _gradients = Places(places);
        _isNarrow = new bool[places];
        _forwardRuns = new int[places];
        Allocate(_outputs[0], chain.InputBytes, "input of the chain");
    }

    /// <summary>Simulates <paramref name="ops"/> on <paramref name="chain"/>.</summary>
    /// <param name="chain">Costs and sizes.</param>
    /// <param name="ops">The schedule of one step, forward and backward.</param>
    /// <param name="link">Speed of copies; may be null where the schedule has none.</param>
    /// <exception cref="InvalidScheduleException">An operand is not live, a tensor is made twice, or the step is not
    /// complete.</exception>
    public static Simulation Run(Chain chain, IReadOnlyList<ScheduleOp> ops, HostLink? link = null)
    {
        var simulator = new ScheduleSimulator(chain, link);
        foreach (var op in ops) simulator.Step(op);
        return simulator.Finish();
    }

    private void Step(ScheduleOp op)
    {
        _op = op;
        _stepPeak = _live;
        int lowest = op.Kind >= ScheduleOpKind.Free && !op.Tensor.IsSaved ? 0 : 1;
        if (op.Stage < lowest || op.Stage > _chain.Length) Fail($"stages go from {lowest} to {_chain.Length}");
        var (start, end) = op.Kind switch
        {
            ScheduleOpKind.Loss => Loss(op.Stage),
            ScheduleOpKind.Backward => Backward(op.Stage),
            ScheduleOpKind.Free => Free(PlaceOf(op.Tensor)),
            ScheduleOpKind.Offload => Offload(PlaceOf(op.Tensor)),
            ScheduleOpKind.Prefetch => Prefetch(PlaceOf(op.Tensor)),
            _ => Forward(op.Stage),
        };
        _steps.Add(new SimulatedStep(start, end, _stepPeak));
    }

    private (double Start, double End) Forward(int l)
    {
        var stage = _chain.Form(l, _op.IsNarrow);
        double ready = Ready(_outputs[l - 1], "input");
        Allocate(_outputs[l], stage.OutputBytes, "output");
        if (_op.Kind == ScheduleOpKind.ForwardSaveAll) Allocate(_saved[l], stage.InternalBytes, "set of saved tensors");
        _isNarrow[l] = _op.IsNarrow;
        _forwardRuns[l]++;
        Touch(stage.ForwardTransientBytes);
        if (_op.Kind == ScheduleOpKind.ForwardDiscard)
        {
            if (l == 1) Fail("the input of the chain belongs to the caller");
            Release(_outputs[l - 1]);
        }
        return Compute(ready, stage.ForwardMs);
    }

    private (double Start, double End) Loss(int n)
    {
        if (n != _chain.Length) Fail($"the loss follows stage {_chain.Length}");
        double ready = Ready(_outputs[n], "output");
        Allocate(_gradients[n], _chain.OutputBytes(n), "gradient");
        return Compute(ready, 0);
    }

    private (double Start, double End) Backward(int l)
    {
        if (_op.IsNarrow != _isNarrow[l]) Fail("the forward run saved in the other form");
        var stage = _chain.Form(l, _op.IsNarrow);
        double ready = Math.Max(
            Math.Max(Ready(_outputs[l - 1], "input"), Ready(_outputs[l], "output")),
            Math.Max(Ready(_saved[l], "set of saved tensors"), Ready(_gradients[l], "gradient of the output")));
        Touch(stage.BackwardTransientBytes);
        Release(_outputs[l]);
        Release(_saved[l]);
        Release(_gradients[l]);
        Allocate(_gradients[l - 1], l == 1 ? 0 : _chain.OutputBytes(l - 1), "gradient of the input");
        return Compute(ready, stage.BackwardMs);
    }

    private (double Start, double End) Free(Place x)
    {
        double start = _computeFree;
        Ready(x, "tensor");
        if (x.Host >= 0) _computeFree = Math.Max(_computeFree, x.CopiedMs);
        Release(x);
        return (start, _computeFree);
    }

    private (double Start, double End) Offload(Place x)
    {
        double ready = Ready(x, "tensor");
        if (x.Host >= 0) Fail("the tensor is on its way already");
        x.Host = x.Device;
        _host += x.Host;
        _hostPeak = Math.Max(_hostPeak, _host);
        var copy = Copy(ready, Link().ToHostMs(x.Host));
        x.CopiedMs = copy.End;
        return copy;
    }

    private (double Start, double End) Prefetch(Place x)
    {
        if (x.Host < 0) Fail("the tensor is not on the host");
        Allocate(x, x.Host, "tensor");
        var copy = Copy(0, Link().ToDeviceMs(x.Host));
        x.ReadyMs = copy.End;
        _host -= x.Host;
        x.Host = -1;
        return copy;
    }

    private Simulation Finish()
    {
        if (_gradients[0].Device < 0) throw new InvalidScheduleException("the schedule ends before stage 1 has run backward");
        for (int l = 0; l < _outputs.Length; l++)
            if ((l > 0 && _outputs[l].Device >= 0) || _saved[l].Device >= 0 || _outputs[l].Host >= 0 || _saved[l].Host >= 0)
                throw new InvalidScheduleException($"stage {l}: the schedule leaves its output or saved tensors behind");
        long peak = _steps.Max(s => s.LiveBytes);
        return new Simulation(peak, _hostPeak, Math.Max(_computeFree, _copyFree), _computeMs, _copyMs, _forwardRuns, _steps);
    }

    private Place PlaceOf(ScheduleTensor x) => (x.IsSaved ? _saved : _outputs)[x.Stage];

    private double Ready(Place x, string what)
    {
        if (x.Device < 0) Fail($"the {what} is not live");
        return x.ReadyMs;
    }

    private void Allocate(Place x, long bytes, string what)
    {
        if (x.Device >= 0) Fail($"the {what} is live already");
        x.Device = bytes;
        x.ReadyMs = 0;
        _live += bytes;
        Touch(0);
    }

    private void Release(Place x)
    {
        _live -= x.Device;
        x.Device = -1;
    }

    private void Touch(long transientBytes) => _stepPeak = Math.Max(_stepPeak, _live + transientBytes);

    private (double Start, double End) Compute(double ready, double ms)
    {
        double start = Math.Max(ready, _computeFree);
        _computeMs += ms;
        _computeFree = start + ms;
        return (start, _computeFree);
    }

    // A copy is issued by the program at this op: it cannot begin before compute has come this far.
    private (double Start, double End) Copy(double ready, double ms)
    {
        double start = Math.Max(Math.Max(ready, _computeFree), _copyFree);
        _copyMs += ms;
        _copyFree = start + ms;
        return (start, _copyFree);
    }

    private HostLink Link()
    {
        if (_link == null) Fail("no speed of copies is given");
        return _link!.Value;
    }

    [DoesNotReturn]
    private void Fail(string reason) => throw new InvalidScheduleException($"op {_steps.Count} {_op}: {reason}");

    private static Place[] Places(int count)
    {
        var places = new Place[count];
        for (int i = 0; i < count; i++) places[i] = new Place();
        return places;
    }
}
