using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>Matrices: dense layers, row operators, chains of additions.</summary>
internal static class OrtRows
{
    /// <summary>MatMul with constant weights, f32 always: ONNX Runtime has no bf16 kernels on CPUs.</summary>
    public static IEnumerable<Contestant> Create(string peer, GemmWorkload w, int threads)
    {
        var graph = new OnnxBuilder("gemm");
        string x = graph.Input("x", w.M, w.K);
        string weights = graph.Initializer("w", ImageLayout.ToChannelsFirst(w.Weights, 1, w.N, w.K), w.K, w.N);
        graph.Output(graph.Node("MatMul", "y", [x, weights]), w.M, w.N);
        string label = w.Format == WeightFormat.Float32 ? peer : peer + " f32";
        yield return new OrtModel(graph.Build(), threads, [(w.X, [w.M, w.K])], [w.M, w.N]).Contestant(label);
    }

    public static Contestant Create(string peer, RowWorkload w, int threads)
    {
        // Gelu came with operator set 20.
        var graph = new OnnxBuilder("rows", 20);
        string x = graph.Input("x", w.Rows, w.Columns);
        string y = w.Operation switch
        {
            RowOperation.LayerNorm => graph.Node("LayerNormalization", "y", [x, graph.Initializer("gamma", w.Gamma, w.Columns), graph.Initializer("beta", w.Beta, w.Columns)],
                OnnxBuilder.Int("axis", -1), OnnxBuilder.Float("epsilon", RowWorkload.Epsilon)),
            RowOperation.Softmax => graph.Softmax(x, "y", -1),
            RowOperation.Gelu => graph.Node("Gelu", "y", [x], OnnxBuilder.Text("approximate", "none")),
            _ => graph.Node("Gelu", "y", [x], OnnxBuilder.Text("approximate", "tanh")),
        };
        graph.Output(y, w.Rows, w.Columns);
        return new OrtModel(graph.Build(), threads, [(w.X, [w.Rows, w.Columns])], [w.Rows, w.Columns]).Contestant(peer);
    }

    public static Contestant Create(string peer, ReplayWorkload w, int threads)
    {
        var graph = new OnnxBuilder("chain");
        string x = graph.Input("x", ReplayWorkload.Length), y = x;
        for (int i = 0; i < w.Nodes; i++) y = graph.Add(y, x, FormattableString.Invariant($"y{i}"));
        graph.Output(y, ReplayWorkload.Length);
        return new OrtModel(graph.Build(), threads, [(RandomData.Uniform(1, ReplayWorkload.Length), [ReplayWorkload.Length])], [ReplayWorkload.Length]).Contestant(peer);
    }
}
