namespace Fovea.Models.Mtcnn;

/// <summary>The layers that the three networks share.</summary>
internal static class MtcnnLayers
{
    /// <summary>Valid convolution, stride 1, PReLU.</summary>
    public static Conv2DLayer Convolution(DeviceStream stream, MtcnnWeights w, string layer, string activation, int inputs, int outputs, int size) =>
        new(stream,
            new Conv2DOptions { InChannels = inputs, OutChannels = outputs, KernelHeight = size, KernelWidth = size, Activation = Activation.PRelu, AllowWinograd = true },
            w.Kernel(layer, outputs, size, inputs),
            w.KernelBias(layer, outputs),
            w.Slopes(activation, outputs));

    /// <summary>Max pooling; the output size is rounded up unless <paramref name="ceiling"/> is false.</summary>
    public static Pool2DLayer MaxPool(int size, int stride, bool ceiling = true) =>
        new(new Pool2DOptions { Mode = PoolMode.Max, KernelHeight = size, KernelWidth = size, StrideHeight = stride, StrideWidth = stride, CeilMode = ceiling });

    /// <summary>First fully connected layer, fed by a <c>[size, size, channels]</c> map, PReLU.</summary>
    public static LinearLayer FullyConnected(DeviceStream stream, MtcnnWeights w, string layer, string activation, int size, int channels, int outputs) =>
        new(stream,
            new LinearOptions { InFeatures = size * size * channels, OutFeatures = outputs, Activation = Activation.PRelu },
            w.FromMap(layer, outputs, size, channels),
            w.DenseBias(layer, outputs),
            w.Slopes(activation, outputs));

    /// <summary>Several linear heads over the same features as one layer, outputs side by side in the order given.</summary>
    public static LinearLayer Heads(DeviceStream stream, MtcnnWeights w, int features, params ReadOnlySpan<(string Layer, int Outputs)> heads)
    {
        var weights = new List<float>();
        var bias = new List<float>();
        foreach (var (layer, outputs) in heads)
        {
            weights.AddRange(w.Dense(layer, outputs, features));
            bias.AddRange(w.DenseBias(layer, outputs));
        }

        return new LinearLayer(stream, new LinearOptions { InFeatures = features, OutFeatures = bias.Count }, weights.ToArray(), bias.ToArray(), []);
    }
}
