using Fovea.Bench.Peers.Onnx;
using Fovea.Data;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>The three MTCNN networks as ONNX models for ordinary NCHW images, as an exporter would write them: one node per
/// layer, class probabilities by Softmax, weights from the same TFLite files that Fovea loads.</summary>
internal static class MtcnnOnnx
{
    /// <summary><c>image [1,3,H,W]</c> to <c>prob [1,2,h,w]</c> and <c>reg [1,4,h,w]</c>; H and W are free.</summary>
    public static byte[] Proposal(TfliteModel model)
    {
        var w = new NchwWeights(model);
        var net = new OnnxBuilder("pnet");
        var x = net.Input("image", 1, 3, "H", "W");
        x = Convolution(net, x, w, "pnet/conv1", "pnet/PReLU1", 3, 10, 3);
        x = net.MaxPool(x, "pool1", 2, 2, ceiling: true);
        x = Convolution(net, x, w, "pnet/conv2", "pnet/PReLU2", 10, 16, 3);
        x = Convolution(net, x, w, "pnet/conv3", "pnet/PReLU3", 16, 32, 3);
        var classes = net.Conv(x, "conv4-1", w.Kernel("pnet/conv4-1/weights/read", 2, 1, 32), w.Floats("pnet/conv4-1/Conv2D_bias", 2), 32, 1);
        net.Output(net.Softmax(classes, "prob", axis: 1), 1, 2, "h", "w");
        net.Output(net.Conv(x, "reg", w.Kernel("pnet/conv4-2/weights/read", 4, 1, 32), w.Floats("pnet/conv4-2/Conv2D_bias", 4), 32, 1), 1, 4, "h", "w");
        return net.Build();
    }

    /// <summary><c>image [N,3,24,24]</c> to <c>prob [N,2]</c> and <c>reg [N,4]</c>; N is free.</summary>
    public static byte[] Refinement(TfliteModel model)
    {
        var w = new NchwWeights(model);
        var net = new OnnxBuilder("rnet");
        var x = net.Input("image", "N", 3, 24, 24);
        x = Convolution(net, x, w, "rnet/conv1", "rnet/prelu1", 3, 28, 3);
        x = net.MaxPool(x, "pool1", 3, 2, ceiling: true);
        x = Convolution(net, x, w, "rnet/conv2", "rnet/prelu2", 28, 48, 3);
        x = net.MaxPool(x, "pool2", 3, 2, ceiling: false);
        x = Convolution(net, x, w, "rnet/conv3", "rnet/prelu3", 48, 64, 2);
        x = FullyConnected(net, x, w, "rnet/conv4", "rnet/prelu4", 3, 64, 128);
        net.Output(net.Softmax(Head(net, x, w, "rnet/conv5-1", "class", 128, 2), "prob", axis: 1), "N", 2);
        net.Output(Head(net, x, w, "rnet/conv5-2", "reg", 128, 4), "N", 4);
        return net.Build();
    }

    /// <summary><c>image [N,3,48,48]</c> to <c>prob [N,2]</c>, <c>reg [N,4]</c> and <c>points [N,10]</c> (x1..x5, y1..y5); N is
    /// free.</summary>
    public static byte[] Output(TfliteModel model)
    {
        var w = new NchwWeights(model);
        var net = new OnnxBuilder("onet");
        var x = net.Input("image", "N", 3, 48, 48);
        x = Convolution(net, x, w, "onet/conv1", "onet/prelu1", 3, 32, 3);
        x = net.MaxPool(x, "pool1", 3, 2, ceiling: true);
        x = Convolution(net, x, w, "onet/conv2", "onet/prelu2", 32, 64, 3);
        x = net.MaxPool(x, "pool2", 3, 2, ceiling: false);
        x = Convolution(net, x, w, "onet/conv3", "onet/prelu3", 64, 64, 3);
        x = net.MaxPool(x, "pool3", 2, 2, ceiling: true);
        x = Convolution(net, x, w, "onet/conv4", "onet/prelu4", 64, 128, 2);
        x = FullyConnected(net, x, w, "onet/conv5", "onet/prelu5", 3, 128, 256);
        net.Output(net.Softmax(Head(net, x, w, "onet/conv6-1", "class", 256, 2), "prob", axis: 1), "N", 2);
        net.Output(Head(net, x, w, "onet/conv6-2", "reg", 256, 4), "N", 4);
        net.Output(Head(net, x, w, "onet/conv6-3", "points", 256, 10), "N", 10);
        return net.Build();
    }

    private static string Convolution(OnnxBuilder net, string x, NchwWeights w, string layer, string activation, int inputs, int outputs, int size)
    {
        x = net.Conv(x, layer, w.Kernel($"{layer}/weights/read", outputs, size, inputs), w.Floats($"{layer}/Conv2D_bias", outputs), inputs, size);
        return net.PRelu(x, activation, w.Floats($"{activation}/alpha/read", outputs), rank: 4);
    }

    private static string FullyConnected(OnnxBuilder net, string x, NchwWeights w, string layer, string activation, int size, int channels, int outputs)
    {
        var weights = w.FromMap($"{layer}/weights/read/transpose", outputs, size, channels);
        x = net.Gemm(net.Flatten(x, "flatten"), layer, weights, w.Floats(MatMulBias(layer), outputs));
        return net.PRelu(x, activation, w.Floats($"{activation}/alpha/read", outputs), rank: 2);
    }

    private static string Head(OnnxBuilder net, string x, NchwWeights w, string layer, string name, int features, int outputs) =>
        net.Gemm(x, name, w.Floats($"{layer}/weights/read/transpose", outputs, features), w.Floats(MatMulBias(layer), outputs));

    // The converter named the bias of "rnet/conv4" "rnet/conv4/conv4/MatMul_bias".
    private static string MatMulBias(string layer) => $"{layer}/{layer[(layer.LastIndexOf('/') + 1)..]}/MatMul_bias";
}
