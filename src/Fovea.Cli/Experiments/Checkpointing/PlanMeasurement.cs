using System.Diagnostics;
using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>Runs plans of one network beside its plain step.</summary>
internal sealed class PlanMeasurement : IDisposable
{
    private readonly BlockNetwork _network;
    private readonly DeviceStream _stream;
    private readonly int _repeats;
    private readonly byte[][] _gradients;
    private readonly List<double> _plainMs = [];

    public PlanMeasurement(BlockNetwork network, DeviceStream stream, int repeats)
    {
        (_network, _stream, _repeats) = (network, stream, repeats);
        Plain = network.Tape.Compile(stream, network.Loss, TapeOrder.KeepAll(network.Tape));
        Run(Plain); // makes the gradients, which no budget pays for
        _gradients = network.Gradients();
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
        using var program = _network.Tape.Compile(_stream, _network.Loss, order);
        var forecast = program.Forecast(Profile);
        long before = _stream.Pool.Statistics.InUseBytes;
        _stream.Pool.ResetPeak();
        Run(program);
        long peak = _stream.Pool.Statistics.PeakInUseBytes - before;
        bool isEqual = _network.Gradients().Zip(_gradients).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

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

    private double Run(TapeProgram program)
    {
        _network.ClearGradients();
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
