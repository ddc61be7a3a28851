using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>The backbones of YOLO: leaky convolutions, halved by pooling or by strides.</summary>
public sealed class Darknet : SequentialBackbone
{
    private int _channels = 3, _convolutions;

    private Darknet(string name) : base(name)
    {
    }

    /// <summary>Darknet-19 (Redmon and Farhadi, "YOLO9000", 2016). Its classifier is a 1x1 convolution in front of the mean, which is a
    /// dense layer behind it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="classes">Logits; 0: feature maps only.</param>
    public static Darknet Of19(Initializer init, string name, int classes = 0)
    {
        var net = new Darknet(name);
        var stride = 1;
        foreach (int[] group in (int[][])[[32], [64], [128, 64, 128], [256, 128, 256], [512, 256, 512, 256, 512], [1024, 512, 1024, 512, 1024]])
        {
            if (stride >= 4) net.EndLevel(net._channels, stride);
            if (net._convolutions > 0)
            {
                net.Halve();
                stride *= 2;
            }
            // Wide convolutions are 3x3, the narrow ones between them 1x1.
            for (var i = 0; i < group.Length; i++) net.Conv(init, group[i], i % 2 == 0 ? 3 : 1, ConvStyle.Darknet);
        }
        net.EndLevel(net._channels, stride);
        net.Classes(init, classes);
        return net;
    }

    /// <summary>Darknet-53 (Redmon and Farhadi, "YOLOv3", 2018); see <see cref="Of19"/>.</summary>
    public static Darknet Of53(Initializer init, string name, int classes = 0)
    {
        var net = new Darknet(name);
        net.Conv(init, 32, 3, ConvStyle.Darknet);
        var stride = 1;
        foreach (var count in (ReadOnlySpan<int>)[1, 2, 8, 8, 4])
        {
            net.Conv(init, 2 * net._channels, 3, ConvStyle.Darknet, stride: 2);
            stride *= 2;
            for (var i = 0; i < count; i++) net.Then(new DarknetResidual(init, $"{name}.{stride}.{i}", net._channels, ConvStyle.Darknet));
            if (stride >= 4) net.EndLevel(net._channels, stride);
        }
        net.Classes(init, classes);
        return net;
    }

    /// <summary>The 24 convolutions of YOLO (Redmon et al., "You Only Look Once", 2016), of stride 64. The paper has biases
    /// (<see cref="Normalization.None"/>), yolov1.cfg batch normalisation.</summary>
    public static Darknet YoloV1(Initializer init, string name, Normalization normalization)
    {
        var net = new Darknet(name);
        var style = ConvStyle.Darknet with { Normalization = normalization };
        net.Conv(init, 64, 7, style, stride: 2);
        net.Halve();
        net.Conv(init, 192, 3, style);
        net.EndLevel(192, 4);
        net.Halve();
        net.Convs(init, style, (128, 1), (256, 3), (256, 1), (512, 3));
        net.EndLevel(512, 8);
        net.Halve();
        for (var i = 0; i < 4; i++) net.Convs(init, style, (256, 1), (512, 3));
        net.Convs(init, style, (512, 1), (1024, 3));
        net.EndLevel(1024, 16);
        net.Halve();
        net.Convs(init, style, (512, 1), (1024, 3), (512, 1), (1024, 3), (1024, 3));
        net.EndLevel(1024, 32);
        net.Conv(init, 1024, 3, style, stride: 2);
        net.Convs(init, style, (1024, 3), (1024, 3));
        net.EndLevel(1024, 64);
        return net;
    }

    private void Halve() => Then(new Pooling($"{Name}.pool", new Pool2DOptions(PoolMode.Max, 2, 2)));

    private void Convs(Initializer init, ConvStyle style, params ReadOnlySpan<(int Channels, int Kernel)> layers)
    {
        foreach (var (channels, kernel) in layers) Conv(init, channels, kernel, style);
    }

    private void Conv(Initializer init, int channels, int kernel, ConvStyle style, int stride = 1)
    {
        Then(ConvNormActivation.Same(init, $"{Name}.conv{_convolutions++}", _channels, channels, kernel, style, stride));
        _channels = channels;
    }

    private void Classes(Initializer init, int classes)
    {
        if (classes > 0) Classify($"{Name}.fc", 0, new Dense(init, $"{Name}.fc", _channels, classes));
    }
}
