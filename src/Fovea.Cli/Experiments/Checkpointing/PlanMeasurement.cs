using System.Diagnostics;
using System.Runtime.InteropServices;
using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>Runs plans of one training step beside the plain one.</summary>
internal sealed class PlanMeasurement : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly Tape _tape;
    private readonly Value _loss;
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly int _repeats;
    private readonly byte[][] _gradients;
    private readonly List<double> _plainMs = [];

    public PlanMeasurement(DeviceStream stream, Tape tape, Value loss, IReadOnlyList<Parameter> parameters, int repeats)
    {
        (_stream, _tape, _loss, _parameters, _repeats) = (stream, tape, loss, parameters, repeats);
        Plain = tape.Compile(stream, loss, TapeOrder.KeepAll(tape));
        Run(Plain); // makes the gradients, which no budget pays for
        _gradients = Gradients();
        Profile = Plain.Profile(repeats);
        Chain = TapeChain.Of(Plain, Profile);
        PlainPeakBytes = Plain.Forecast(Profile).PeakBytes;
    }

    public TapeProgram Plain { get; }

    public StepProfile Profile { get; }

    public TapeChain Chain { get; }

    /// <summary>Bytes in use before a step: parameters, their gradients, data, the last loss.</summary>
    public long InUseBytes => _stream.Pool.Statistics.InUseBytes;

    public long PlainPeakBytes { get; }

    /// <summary>Interquartile range of all plain steps over their median: how far times on this machine can be trusted.</summary>
    public double Unsteadiness
    {
        get
        {
            double[] sorted = [.. _plainMs.Order()];
            return (sorted[sorted.Length * 3 / 4] - sorted[sorted.Length / 4]) / sorted[sorted.Length / 2];
        }
    }

    /// <summary>One run for peak and gradients, then plan and plain step in turn for the time.</summary>
    /// <param name="planner">Name of the row.</param>
    /// <param name="percent">Budget in percent of the plain peak.</param>
    /// <param name="order">The plan.</param>
    /// <param name="copyMs">Milliseconds of copies that nothing hides.</param>
    public PlanRow Measure(string planner, int? percent, IReadOnlyList<TapeStep> order, double copyMs = 0)
    {
        using var program = _tape.Compile(_stream, _loss, order);
        var forecast = program.Forecast(Profile);
        long before = _stream.Pool.Statistics.InUseBytes;
        _stream.Pool.ResetPeak();
        Run(program);
        long peak = _stream.Pool.Statistics.PeakInUseBytes - before;
        bool isEqual = Gradients().Zip(_gradients).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

        var (plain, planned) = (new double[_repeats], new double[_repeats]);
        for (int i = 0; i < _repeats; i++) (plain[i], planned[i]) = (Run(Plain), Run(program));
        _plainMs.AddRange(plain);
        double scale = Median(plain) / Plain.Forecast(Profile).Milliseconds;
        return new PlanRow(
            planner, percent, percent * PlainPeakBytes / 100, peak, forecast.PeakBytes, program.RecomputedSteps,
            order.Count(s => s.Kind == TapeStepKind.Prefetch), Median(planned), scale * forecast.Milliseconds + copyMs, isEqual);
    }

    /// <summary>Speed of copies of a result to pinned memory and back.</summary>
    public HostLink MeasureLink()
    {
        const int elements = 1 << 18;
        using var tensor = DeviceTensor.Allocate(_stream, DType.Float32, elements);
        using IDisposable buffer = new PinnedBuffer(_stream.Device, elements * sizeof(float));
        double Fastest(Action copy) => elements * sizeof(float) / Enumerable.Range(0, 5).Min(_ => Time(copy));
        return new HostLink(
            Fastest(() => tensor.CopyTo(_stream, (PinnedBuffer)buffer)),
            Fastest(() => tensor.CopyFrom(_stream, (PinnedBuffer)buffer)));
    }

    public void Dispose() => Plain.Dispose();

    private byte[][] Gradients() =>
        [.. _parameters.Select(p => MemoryMarshal.AsBytes(p.Gradient.ToArray<float>(_stream).AsSpan()).ToArray())];

    private double Run(TapeProgram program)
    {
        foreach (var parameter in _parameters) parameter.ClearGradient(); // so that the run writes gradients and adds to none
        return Time(program.Run);
    }

    private double Time(Action work)
    {
        _stream.Synchronize();
        long start = Stopwatch.GetTimestamp();
        work();
        _stream.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
