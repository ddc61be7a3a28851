using Fovea.Bench.Measure;
using Fovea.Bench.Peers.Onnx;
using Fovea.Bench.Workloads;

namespace Fovea.Bench.Peers.Ort;

/// <summary>Convolution with ReLU: the lone operator, whose input and output are NCHW, and the kernel alone as inside a network.</summary>
internal static class OrtConv
{
    public static IEnumerable<Contestant> Create(string peer, ConvWorkload workload, int threads)
    {
        var shape = workload.Shape;
        var graph = new OnnxBuilder("conv");
        string x = graph.Input("x", shape.Batch, shape.InChannels, shape.Height, shape.Width);
        string y = graph.Relu(graph.Conv(x, "conv", Weights(shape, workload.Weights), workload.Bias, shape), "y");
        graph.Output(y, shape.Batch, shape.OutChannels, shape.OutHeight, shape.OutWidth);
        return Both(peer, graph.Build(), shape, workload.X, shape, threads);
    }

    public static IEnumerable<Contestant> Create(string peer, SeparableWorkload workload, int threads)
    {
        ConvShape first = workload.Depthwise, second = workload.Pointwise;
        var graph = new OnnxBuilder("separable");
        string x = graph.Input("x", first.Batch, first.InChannels, first.Height, first.Width);
        string between = graph.Relu(graph.Conv(x, "depthwise", Weights(first, workload.DepthwiseWeights), [], first), "between");
        string y = graph.Relu(graph.Conv(between, "pointwise", Weights(second, workload.PointwiseWeights), [], second), "y");
        graph.Output(y, second.Batch, second.OutChannels, second.OutHeight, second.OutWidth);
        return Both(peer, graph.Build(), first, workload.X, second, threads);
    }

    /// <summary>[out][kh][kw][in] to [out][in][kh][kw].</summary>
    public static float[] Weights(ConvShape shape, float[] weights) =>
        ImageLayout.ToChannelsFirst(weights, shape.OutChannels, shape.Kernel * shape.Kernel, shape.InChannels / shape.Groups);

    private static IEnumerable<Contestant> Both(string peer, byte[] model, ConvShape from, float[] x, ConvShape to, int threads)
    {
        float[] input = ImageLayout.ToChannelsFirst(x, from.Batch, from.Height * from.Width, from.InChannels);
        foreach (string? profiled in (string?[])[null, "Conv"])
        {
            var net = new OrtModel(model, threads, [(input, [from.Batch, from.InChannels, from.Height, from.Width])],
                [to.Batch, to.OutChannels, to.OutHeight, to.OutWidth], profiled);
            yield return net.Contestant(profiled is null ? peer : peer + " (kernel alone)",
                y => ImageLayout.ToChannelsLast(y, to.Batch, to.OutHeight * to.OutWidth, to.OutChannels));
        }
    }
}
