using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads.Network;

namespace Fovea.Bench.Peers.Ort;

/// <summary>A whole network as one ONNX graph.</summary>
internal static class OrtNetwork
{
    public static Contestant Create(string peer, NetworkWorkload w, int threads)
    {
        var graph = new OnnxBuilder("network");
        NetworkShape from = w.Shapes[NetworkWorkload.Input], to = w.Shapes[w.Outputs[0]];
        graph.Input(NetworkWorkload.Input, 1, from.Channels, from.Height, from.Width);
        foreach (var step in w.Layers) Add(graph, step, w);
        foreach (string output in w.Outputs) graph.Output(output, 1, w.Shapes[output].Channels, w.Shapes[output].Height, w.Shapes[output].Width);
        float[] x = ImageLayout.ToChannelsFirst(w.X, 1, from.Height * from.Width, from.Channels);
        var model = new OrtModel(graph.Build(), threads, [(x, [1, from.Channels, from.Height, from.Width])], [1, to.Channels, to.Height, to.Width]);
        return model.Contestant(peer, y => ImageLayout.ToChannelsLast(y, 1, to.Height * to.Width, to.Channels));
    }

    private static void Add(OnnxBuilder graph, NetworkStep step, NetworkWorkload w)
    {
        switch (step)
        {
            case ConvStep conv:
                AddConv(graph, conv, w);
                break;
            case AddStep add:
                graph.Add(add.Input, add.Other, add.Output);
                break;
            case ConcatStep concat:
                graph.Node("Concat", concat.Output, [.. concat.Inputs], OnnxBuilder.Int("axis", 1));
                break;
            case PoolStep pool:
                int side = pool.Options.KernelHeight, padding = pool.Options.PadTop;
                graph.Node("MaxPool", pool.Output, [pool.Input], OnnxBuilder.Ints("kernel_shape", side, side),
                    OnnxBuilder.Ints("strides", pool.Options.StrideHeight, pool.Options.StrideWidth),
                    OnnxBuilder.Ints("pads", padding, padding, padding, padding), OnnxBuilder.Int("ceil_mode", pool.Options.CeilMode ? 1 : 0));
                break;
            default:
                graph.Softmax(step.Input, step.Output, axis: 1);
                break;
        }
    }

    // The last node of the layer has the layer's name.
    private static void AddConv(OnnxBuilder graph, ConvStep step, NetworkWorkload w)
    {
        bool activates = step.Activation.Kind != ActivationKind.None, adds = step.Residual is not null;
        float[] weights = OrtConv.Weights(step.Shape, step.Weights);
        string y = graph.Conv(step.Input, activates || adds ? step.Output + ".conv" : step.Output, weights, step.Bias, step.Shape);
        if (adds) y = graph.Add(y, Widened(graph, step, w), activates ? step.Output + ".sum" : step.Output);
        if (step.Activation.Kind == ActivationKind.PRelu) graph.PRelu(y, step.Output, step.Slope, rank: 4);
        else if (step.Activation.Kind == ActivationKind.Silu) graph.Node("Mul", step.Output, [y, graph.Node("Sigmoid", step.Output + ".sigmoid", [y])]);
        else if (activates) graph.Relu(y, step.Output);
    }

    private static string Widened(OnnxBuilder graph, ConvStep step, NetworkWorkload w)
    {
        int missing = step.Shape.OutChannels - w.Shapes[step.Residual!].Channels;
        return missing == 0 ? step.Residual! : graph.Node("Pad", step.Output + ".wide", [step.Residual!, graph.Initializer(step.Output + ".pads", 0, 0, 0, 0, 0, missing, 0, 0)]);
    }
}
