using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>The three ways to write attention: matrix products and softmax, the operator of the standard, Microsoft's operator.</summary>
internal static class OrtAttention
{
    public static IEnumerable<Contestant> Create(string peer, AttentionWorkload w, int threads)
    {
        // The standard's graphs want [1][H][L][D]: heads and positions change places, D stays together.
        (float[], long[])[] apart = [Apart(w, w.Q, w.Queries), Apart(w, w.K, w.Keys), Apart(w, w.V, w.Keys)];
        float[] Back(float[] o) => Swap(o, w.Heads, w.Queries, w.Size);
        long[] output = [1, w.Heads, w.Queries, w.Size];
        yield return new OrtModel(Primitive(w), threads, apart, output).Contestant(peer + " MatMul+Softmax", Back);
        yield return new OrtModel(Standard(w), threads, apart, output).Contestant(peer + " Attention", Back);
        long[] q = [1, w.Queries, w.Heads * w.Size], k = [1, w.Keys, w.Heads * w.Size];
        yield return new OrtModel(Microsoft(w), threads, [(w.Q, q), (w.K, k), (w.V, k)], q).Contestant(peer + " MultiHeadAttention");
    }

    private static byte[] Primitive(AttentionWorkload w)
    {
        var graph = Inputs(w, 13);
        string scale = graph.Initializer("scale", [1 / MathF.Sqrt(w.Size)], 1);
        string scores = graph.Node("Mul", "scaled", [graph.Node("MatMul", "scores", ["q", graph.Transpose("k", "kt", 0, 1, 3, 2)]), scale]);
        if (w.Causal)
        {
            var mask = new float[w.Queries * w.Keys];
            for (int i = 0; i < w.Queries; i++) mask.AsSpan(i * w.Keys + w.Keys - w.Queries + i + 1, w.Queries - 1 - i).Fill(float.NegativeInfinity);
            scores = graph.Add(scores, graph.Initializer("mask", mask, w.Queries, w.Keys), "masked");
        }

        return Finish(graph, graph.Node("MatMul", "o", [graph.Softmax(scores, "p", -1), "v"]), w);
    }

    private static byte[] Standard(AttentionWorkload w)
    {
        var graph = Inputs(w, 23);
        return Finish(graph, graph.Node("Attention", "o", ["q", "k", "v"], OnnxBuilder.Int("is_causal", w.Causal ? 1 : 0)), w);
    }

    private static byte[] Microsoft(AttentionWorkload w)
    {
        var graph = new OnnxBuilder("attention");
        int features = w.Heads * w.Size;
        graph.Input("q", 1, w.Queries, features);
        graph.Input("k", 1, w.Keys, features);
        graph.Input("v", 1, w.Keys, features);
        string o = graph.Node("com.microsoft:MultiHeadAttention", "o", ["q", "k", "v"],
            OnnxBuilder.Int("num_heads", w.Heads), OnnxBuilder.Int("unidirectional", w.Causal ? 1 : 0));
        graph.Output(o, 1, w.Queries, features);
        return graph.Build();
    }

    private static OnnxBuilder Inputs(AttentionWorkload w, int operatorSet)
    {
        var graph = new OnnxBuilder("attention", operatorSet);
        graph.Input("q", 1, w.Heads, w.Queries, w.Size);
        graph.Input("k", 1, w.Heads, w.Keys, w.Size);
        graph.Input("v", 1, w.Heads, w.Keys, w.Size);
        return graph;
    }

    private static byte[] Finish(OnnxBuilder graph, string output, AttentionWorkload w)
    {
        graph.Output(output, 1, w.Heads, w.Queries, w.Size);
        return graph.Build();
    }

    private static (float[], long[]) Apart(AttentionWorkload w, float[] data, int positions) =>
        (Swap(data, positions, w.Heads, w.Size), [1, w.Heads, positions, w.Size]);

    // [a][b][size] to [b][a][size].
    private static float[] Swap(float[] data, int a, int b, int size)
    {
        var result = new float[data.Length];
        for (int i = 0; i < a; i++)
        {
            for (int j = 0; j < b; j++) data.AsSpan((i * b + j) * size, size).CopyTo(result.AsSpan((j * a + i) * size, size));
        }

        return result;
    }
}
