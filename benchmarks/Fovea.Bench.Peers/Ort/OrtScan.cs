using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>The selective scan as ONNX can say it: exponentials and products at once, then the Scan operator over time.</summary>
internal static class OrtScan
{
    public static Contestant Create(string peer, ScanWorkload w, int threads)
    {
        int length = w.Length, channels = w.Channels, states = w.States;
        var body = new OnnxBuilder("step", 21);
        body.Input("h", channels, states);
        body.Input("decay", channels, states);
        body.Input("input", channels, states);
        body.Input("ct", states);
        string next = body.Add(body.Node("Mul", "kept", ["h", "decay"]), "input", "next");
        body.Output(next, channels, states);
        body.Output(body.Node("MatMul", "yt", [next, "ct"]), channels);

        var graph = new OnnxBuilder("scan", 21);
        graph.Input("u", length, channels);
        graph.Input("delta", length, channels);
        graph.Input("b", length, states);
        graph.Input("c", length, states);
        string a = graph.Initializer("a", w.A, channels, states), last = graph.Initializer("last", 2), middle = graph.Initializer("middle", 1);
        string start = graph.Initializer("start", new float[channels * states], channels, states);
        string decay = graph.Node("Exp", "decays", [graph.Node("Mul", "exponents", [graph.Node("Unsqueeze", "delta3", ["delta", last]), a])]);
        string du = graph.Node("Unsqueeze", "du3", [graph.Node("Mul", "du", ["delta", "u"]), last]);
        string input = graph.Node("Mul", "inputs", [du, graph.Node("Unsqueeze", "b3", ["b", middle])]);
        graph.Nodes("Scan", ["state", "y"], [start, decay, input, "c"], OnnxBuilder.Int("num_scan_inputs", 3), OnnxBuilder.Body("body", body.Graph));
        graph.Output("y", length, channels);
        return new OrtModel(graph.Build(), threads,
            [(w.U, [length, channels]), (w.Delta, [length, channels]), (w.B, [length, states]), (w.C, [length, states])],
            [length, channels]).Contestant(peer + " Scan");
    }
}
