using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads.Network;

/// <summary>A network with random weights, written layer by layer: each call adds one and returns the name of its output. The last
/// outputs that nobody reads are the results; the first of them is compared.</summary>
public sealed class NetworkWorkload : Workload
{
    private readonly List<NetworkStep> _steps = [];
    private readonly Dictionary<string, NetworkShape> _shapes = [];
    private double _flops, _weights;

    public NetworkWorkload(string name, int height, int width, int channels) : base("network", name)
    {
        _shapes.Add(Input, new NetworkShape(height, width, channels));
        WantsTail = true;
    }

    /// <summary>Name of the input.</summary>
    public static string Input => "x";

    public IReadOnlyList<NetworkStep> Steps => _steps;

    /// <summary>The steps as peers run them: one operation each.</summary>
    public IEnumerable<NetworkStep> Layers => _steps.SelectMany(step => step.Layers);

    public IReadOnlyDictionary<string, NetworkShape> Shapes => _shapes;

    public override double Flops => _flops;

    // Intermediate maps may stay in the cache: the least traffic is weights, input and outputs.
    public override double BytesRead => 4 * (_weights + _shapes[Input].Count);

    public override double BytesWritten => 4.0 * Outputs.Sum(name => _shapes[name].Count);

    /// <summary>[1][H][W][C].</summary>
    public float[] X => RandomData.Uniform(1, _shapes[Input].Count);

    /// <summary>Names of what no layer reads.</summary>
    public IReadOnlyList<string> Outputs =>
        [.. _steps.Select(s => s.Output).Where(name => !_steps.Any(s => s.Reads.Contains(name)))];

    /// <summary>A residual with fewer channels than the output counts as zero in the others.</summary>
    public string Conv(string input, int outChannels, int kernel, int stride, int padding, Activation activation, string? residual = null, int groups = 1)
    {
        var from = _shapes[input];
        var shape = new ConvShape(from.Channels, outChannels, from.Height, from.Width, kernel, stride, padding, Groups: groups);
        int seed = 10 * _shapes.Count;
        float[] slope = activation.Kind == ActivationKind.PRelu ? RandomData.Uniform(seed + 2, outChannels, 0, 0.3f) : [];
        _flops += shape.Flops;
        _weights += shape.WeightCount + outChannels;
        return Add(new ConvStep(input, Next(), shape, activation, residual, RandomData.Uniform(seed, shape.WeightCount, -shape.WeightBound, shape.WeightBound),
            RandomData.Uniform(seed + 1, outChannels, -0.1f, 0.1f), slope), new NetworkShape(shape.OutHeight, shape.OutWidth, outChannels));
    }

    /// <summary>A depthwise layer that keeps the size at stride 1 and the 1x1 layer behind it, which may add a residual, in one call.</summary>
    public string Separable(string input, int outChannels, int kernel, int stride, Activation between, Activation activation, string? residual = null)
    {
        int channels = _shapes[input].Channels;
        string output = Conv(Conv(input, channels, kernel, stride, kernel / 2, between, groups: channels), outChannels, 1, 1, 0, activation, residual);
        var step = new SeparableStep((ConvStep)_steps[^2], (ConvStep)_steps[^1]);
        _steps.RemoveRange(_steps.Count - 2, 2);
        _steps.Add(step);
        return output;
    }

    public string MaxPool(string input, int size, int stride, int padding, bool ceiling = false)
    {
        var options = new Pool2DOptions(PoolMode.Max, size, stride, padding) { CeilMode = ceiling };
        var source = _shapes[input];
        var (height, width) = options.OutputSize(source.Height, source.Width);
        return Add(new PoolStep(input, Next(), options), source with { Height = (int)height, Width = (int)width });
    }

    public string Add(string a, string b) => Add(new AddStep(a, b, Next()), _shapes[a]);

    /// <summary>A layer must read the result; each of the maps may be part of one such map only and is no output of the network.</summary>
    public string Concat(params IReadOnlyList<string> maps) =>
        Add(new ConcatStep(maps, Next()), _shapes[maps[0]] with { Channels = maps.Sum(map => _shapes[map].Channels) });

    public string Softmax(string input) => Add(new SoftmaxStep(input, Next()), _shapes[input]);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var x = DeviceTensor.From<float>(stream, X, Extents(_shapes[Input]));
        var outputs = Outputs.ToDictionary(name => name, name => DeviceTensor.Allocate(stream, DType.Float32, Extents(_shapes[name])));
        var network = new FoveaNetwork(stream, this);
        return FoveaContestant.Capture(stream, outputs[Outputs[0]], () => network.Enqueue(x, outputs), [x, network, .. outputs.Values.Skip(1)]);
    }

    /// <summary>Channels that a map needs where it is added as a residual: its own, or more.</summary>
    public int ResidualChannels(string map) =>
        Layers.OfType<ConvStep>().Where(step => step.Residual == map).Select(step => step.Shape.OutChannels).Append(_shapes[map].Channels).Max();

    internal static long[] Extents(NetworkShape shape) => [1, shape.Height, shape.Width, shape.Channels];

    private string Next() => FormattableString.Invariant($"t{_shapes.Count}");

    private string Add(NetworkStep step, NetworkShape shape)
    {
        _steps.Add(step);
        _shapes.Add(step.Output, shape);
        return step.Output;
    }
}
