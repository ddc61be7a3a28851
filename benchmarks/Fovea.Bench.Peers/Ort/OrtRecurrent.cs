using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>The LSTM and GRU operators of ONNX.</summary>
internal static class OrtRecurrent
{
    public static Contestant Create(string peer, RecurrentWorkload w, int threads)
    {
        bool isLstm = w.Cell == RecurrentCell.Lstm;
        // Where ONNX's gates (i, o, f, c; z, r, h) lie among Fovea's (i, f, g, o; r, z, n).
        int[] gates = isLstm ? [0, 3, 1, 2] : [1, 0, 2];
        int size = w.Size, rows = gates.Length * size;
        float[] Reorder(float[] values) => [.. gates.SelectMany(gate => values.Chunk(values.Length / gates.Length).ElementAt(gate))];

        var graph = new OnnxBuilder("recurrent", 14);
        string x = graph.Input("x", w.Length, 1, size), h = graph.Input("h", 1, 1, size);
        string weights = graph.Initializer("w", Reorder(w.Weights), 1, rows, size), recurrent = graph.Initializer("r", Reorder(w.Recurrent), 1, rows, size);
        string bias = graph.Initializer("b", [.. Reorder(w.Bias), .. Reorder(w.RecurrentBias)], 1, 2 * rows);
        List<(float[], long[])> inputs = [(w.X, [w.Length, 1, size]), (w.H, [1, 1, size])];
        // The empty name: all sequences have the same length.
        if (isLstm)
        {
            inputs.Add((w.C, [1, 1, size]));
            graph.Nodes("LSTM", ["y"], [x, weights, recurrent, bias, "", h, graph.Input("c", 1, 1, size)], OnnxBuilder.Int("hidden_size", size));
        }
        else
        {
            graph.Nodes("GRU", ["y"], [x, weights, recurrent, bias, "", h], OnnxBuilder.Int("hidden_size", size), OnnxBuilder.Int("linear_before_reset", 1));
        }

        graph.Output("y", w.Length, 1, 1, size);
        return new OrtModel(graph.Build(), threads, inputs, [w.Length, 1, 1, size]).Contestant(peer);
    }
}
