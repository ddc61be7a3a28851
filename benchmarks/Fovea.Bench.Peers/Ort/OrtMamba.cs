using System.Globalization;
using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>A step of a Mamba stack in plain operators, as an export of the recurrent form has them. The state comes in by inputs and
/// goes out by outputs. The embedding's row is an input: a look-up with a constant token would be folded away.</summary>
internal sealed class OrtMamba
{
    private readonly OnnxBuilder _graph = new("mamba", 17);
    private readonly Dictionary<string, float[]> _weights;
    private readonly List<(float[] Data, long[] Shape)> _inputs = [];
    private readonly MambaWorkload _workload;
    private readonly OrtLayers _layers;
    private float[] _state;

    private OrtMamba(MambaWorkload workload)
    {
        _workload = workload;
        _weights = OrtLayers.Read(workload.CreateModel);
        _layers = new OrtLayers(_graph, _weights);
        var o = workload.Options;
        _state = StreamingWorkload.StateBefore(workload.Layers * o.Inner * (o.ConvolutionSize - 1 + o.StateSize));
    }

    public static Contestant Create(string peer, MambaWorkload workload, int threads) => new OrtMamba(workload).Build(peer, threads);

    private Contestant Build(string peer, int threads)
    {
        int width = _workload.Options.Width;
        string x = _graph.Input("x", 1, width);
        _inputs.Add((_weights["embedding.weight"][(StreamingWorkload.Token * width)..((StreamingWorkload.Token + 1) * width)], [1, width]));
        List<(string Name, int Rows, int Columns)> next = [];
        for (int i = 0; i < _workload.Layers; i++) x = Layer(x, string.Create(CultureInfo.InvariantCulture, $"layers.{i}"), next);
        string logits = Linear(Norm(x, "norm"), "head", StreamingWorkload.Vocabulary);
        _graph.Output(logits, 1, StreamingWorkload.Vocabulary);
        foreach (var (name, rows, columns) in next) _graph.Output(name, rows, columns);
        return new OrtModel(_graph.Build(), threads, _inputs, [1, StreamingWorkload.Vocabulary]).Contestant(peer + " operators");
    }

    private string Layer(string x, string layer, List<(string, int, int)> next)
    {
        var o = _workload.Options;
        int inner = o.Inner, states = o.StateSize, taps = o.ConvolutionSize;
        string N(string name) => $"{layer}.mixer.{name}";
        string[] parts = Split(Linear(Norm(x, layer + ".norm"), N("in_proj"), 2 * inner), N("part"), inner, inner);

        // The depthwise convolution of one position: a sum over the last taps.
        string window = _graph.Node("Concat", N("taps"), [State(N("window"), taps - 1, inner), parts[0]], OnnxBuilder.Int("axis", 0));
        string kernel = _graph.Initializer(N("kernel"), ImageLayout.ToChannelsFirst(_weights[N("conv1d.weight")], 1, inner, taps), taps, inner);
        string products = Node("Mul", N("products"), window, kernel);
        string sum = _graph.Node("ReduceSum", N("sum"), [products, _graph.Initializer(N("axis"), 0L)], OnnxBuilder.Int("keepdims", 1));
        string u = _layers.Silu(Node("Add", N("biased"), sum, Constant(N("conv1d.bias"), 1, inner)), N("u"));
        string[] range = [_graph.Initializer(N("from"), 1L), _graph.Initializer(N("to"), (long)taps), _graph.Initializer(N("of"), 0L)];
        next.Add((_graph.Node("Slice", N("window.next"), [window, .. range]), taps - 1, inner));

        string[] selected = Split(Linear(u, N("x_proj"), o.Rank + 2 * states), N("selected"), o.Rank, states, states);
        string step = Node("Add", N("step"), Linear(selected[0], N("dt_proj"), inner), Constant(N("dt_proj.bias"), 1, inner));
        string delta = _graph.Node("Transpose", N("delta"), [_graph.Node("Softplus", N("softplus"), [step])]);
        string a = _graph.Initializer(N("A"), [.. _weights[N("A_log")].Select(v => -MathF.Exp(v))], inner, states);
        string decay = _graph.Node("Exp", N("decay"), [Node("Mul", N("exponent"), delta, a)]);
        string given = Node("Mul", N("given"), Node("Mul", N("du"), delta, _graph.Node("Transpose", N("ut"), [u])), selected[1]);
        string h = Node("Add", N("h.next"), Node("Mul", N("kept"), State(N("h"), inner, states), decay), given);
        next.Add((h, inner, states));
        string y = _graph.Node("Transpose", N("yt"), [Node("MatMul", N("y"), h, _graph.Node("Transpose", N("ct"), [selected[2]]))]);
        string all = Node("Add", N("skipped"), y, Node("Mul", N("du.skip"), u, Constant(N("D"), 1, inner)));
        return Node("Add", layer + ".sum", x, Linear(Node("Mul", N("gated"), all, _layers.Silu(parts[1], N("z"))), N("out_proj"), o.Width));
    }

    // In the order in which Fovea's layers keep them.
    private string State(string name, int rows, int columns)
    {
        _inputs.Add((_state[..(rows * columns)], [rows, columns]));
        _state = _state[(rows * columns)..];
        return _graph.Input(name, rows, columns);
    }

    private string[] Split(string x, string name, params ReadOnlySpan<long> sizes)
    {
        var names = new string[sizes.Length];
        for (int i = 0; i < names.Length; i++) names[i] = string.Create(CultureInfo.InvariantCulture, $"{name}.{i}");
        _graph.Nodes("Split", names, [x, _graph.Initializer(name + ".sizes", sizes)], OnnxBuilder.Int("axis", 1));
        return names;
    }

    private string Node(string operation, string name, string a, string b) => _layers.Node(operation, name, a, b);

    private string Linear(string x, string name, int outputs) => _layers.Linear(x, name, name + ".weight", outputs);

    private string Norm(string x, string name) => _layers.Norm(x, name, name + ".weight", new LayerNormOptions().Epsilon);

    private string Constant(string name, params ReadOnlySpan<long> shape) => _layers.Constant(name, shape);
}
