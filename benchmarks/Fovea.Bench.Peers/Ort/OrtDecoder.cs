using System.Globalization;
using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>A step of a Transformer decoder by ONNX Runtime's GroupQueryAttention, whose cache stays in place: the keys and values that
/// come out share the memory of those that go in. A first model of the same weights reads the prompt. Every call writes the token behind
/// the prompt.</summary>
internal sealed class OrtDecoder
{
    private readonly DecoderWorkload _workload;
    private readonly Dictionary<string, float[]> _weights;
    private readonly int _threads;

    private OrtDecoder(DecoderWorkload workload, int threads) =>
        (_workload, _weights, _threads) = (workload, OrtLayers.Read(workload.CreateModel), threads);

    public static Contestant Create(string peer, DecoderWorkload workload, int threads)
    {
        var decoder = new OrtDecoder(workload, threads);
        var o = workload.Options;
        var empty = Enumerable.Range(0, 2 * o.DecoderLayers).Select(_ => new float[o.MaxLength * o.Width]);
        using var prompt = decoder.Model(workload.PromptTokens(), [.. empty], past: 0);
        prompt.Run();
        var caches = Enumerable.Range(1, 2 * o.DecoderLayers).Select(prompt.ReadInput);
        return decoder.Model([StreamingWorkload.Token], [.. caches], workload.Prompt).Contestant(peer + " GroupQueryAttention");
    }

    private OrtModel Model(ReadOnlySpan<int> tokens, IReadOnlyList<float[]> caches, int past)
    {
        var o = _workload.Options;
        int length = tokens.Length, half = o.HeadSize / 2;
        var graph = new OnnxBuilder("decoder", 17);
        var layers = new OrtLayers(graph, _weights);
        string x = graph.Input("x", length, o.Width);
        List<(float[], long[])> inputs = [(Embed(tokens), [length, o.Width])];
        string last = graph.Integers("last", [past + length - 1], 1), total = graph.Integers("total", [past + length]);
        string cosines = graph.Initializer("cosines", Angles(Math.Cos), o.MaxLength, half), sines = graph.Initializer("sines", Angles(Math.Sin), o.MaxLength, half);
        string rows = graph.Initializer("rows", length, o.Width), batch = graph.Initializer("batch", 1, length, o.Width);
        List<string> next = [];
        for (int i = 0; i < o.DecoderLayers; i++)
        {
            string layer = string.Create(CultureInfo.InvariantCulture, $"decoder.layer{i}"), attention = layer + ".attention", forward = layer + ".feed_forward";
            string normed = Norm(x, attention + ".norm");
            string Part(string part) => graph.Node("Reshape", $"{attention}.{part}.batch", [Linear(normed, $"{attention}.{part}", o.Width), batch]);
            string keys = Cache(attention + ".past_key", inputs.Count - 1), values = Cache(attention + ".past_value", inputs.Count - 1);
            string[] outputs = [attention + ".attended", attention + ".present_key", attention + ".present_value"];
            graph.Nodes("com.microsoft:GroupQueryAttention", outputs,
                [Part("queries"), Part("keys"), Part("values"), keys, values, last, total, cosines, sines],
                OnnxBuilder.Int("num_heads", o.Heads), OnnxBuilder.Int("kv_num_heads", o.Heads), OnnxBuilder.Int("do_rotary", 1));
            next.AddRange(outputs[1..]);
            string attended = graph.Node("Reshape", attention + ".rows", [outputs[0], rows]);
            x = layers.Node("Add", attention + ".sum", x, Linear(attended, attention + ".output", o.Width));
            normed = Norm(x, forward + ".norm");
            string gate = layers.Silu(Linear(normed, forward + ".gate", o.FeedForwardWidth), forward + ".silu");
            string gated = layers.Node("Mul", forward + ".gated", gate, Linear(normed, forward + ".up", o.FeedForwardWidth));
            x = layers.Node("Add", forward + ".sum", x, Linear(gated, forward + ".down", o.Width));
        }

        graph.Output(layers.Linear(Norm(x, "decoder.norm"), "logits", "embedding.table", o.Vocabulary), length, o.Vocabulary);
        foreach (string name in next) graph.Output(name, 1, o.Heads, o.MaxLength, o.HeadSize);
        return new OrtModel(graph.Build(), _threads, inputs, [length, o.Vocabulary], inPlace: next.Count);

        string Linear(string from, string name, int outputs) => layers.Linear(from, name, name + ".weight", outputs);
        string Norm(string from, string name) => layers.Norm(from, name, name + ".gamma", o.NormEpsilon);

        string Cache(string name, int index)
        {
            inputs.Add((caches[index], [1, o.Heads, o.MaxLength, o.HeadSize]));
            return graph.Input(name, 1, o.Heads, o.MaxLength, o.HeadSize);
        }
    }

    private float[] Embed(ReadOnlySpan<int> tokens)
    {
        int width = _workload.Options.Width;
        var rows = new float[tokens.Length * width];
        for (int i = 0; i < rows.Length; i++) rows[i] = MathF.Sqrt(width) * _weights["embedding.table"][tokens[i / width] * width + i % width];
        return rows;
    }

    private float[] Angles(Func<double, double> function)
    {
        var o = _workload.Options;
        int half = o.HeadSize / 2;
        return [.. Enumerable.Range(0, o.MaxLength * half).Select(i => (float)function(i / half * Math.Pow(o.RotaryBase, -2.0 * (i % half) / o.HeadSize)))];
    }
}
