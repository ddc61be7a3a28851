using Fovea.Bench.Workloads;
using Fovea.Bench.Workloads.Network;

namespace Fovea.Bench.Families;

/// <summary>Whole networks with random weights, batch normalisation folded.</summary>
internal static class NetworkRows
{
    // Measured on an EPYC of family 25 with AVX-512, both forms in turn: one call for depthwise and pointwise layer takes 2 to 6 % longer
    // than two calls for BlazeFace's blocks of 24 to 56 channels, and up to 4 % less for those of 88 and 96.
    private const int FusedChannels = 88;

    public static IEnumerable<Workload> All()
    {
        yield return PNet();
        yield return ResNet18();
        yield return YoloxNano();
        yield return Blaze("BlazeFace front 128", 128, [(24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1), (64, 1), (72, 1), (80, 1), (88, 1)], [(96, 2), (96, 1), (96, 1), (96, 1), (96, 1)]);
        var seven = Enumerable.Repeat(1, 7);
        yield return Blaze("BlazeFace back 256", 256,
            [.. seven.Select(s => (24, s)), (24, 2), .. seven.Select(s => (24, s)), (48, 2), .. seven.Select(s => (48, s))], [(96, 2), .. seven.Select(s => (96, s))]);
    }

    /// <summary>Four equal layers in a row. A lone call finds its input in the cache and its output's lines there as well; in a row of
    /// layers the maps change places with each other, which only such a row shows.</summary>
    public static IEnumerable<Workload> Chains()
    {
        yield return Chain("4x 3x3 128 @80", 128, 80, (net, x) => net.Conv(x, 128, 3, 1, 1, Activation.Relu));
        yield return Chain("4x 3x3 256 @14", 256, 14, (net, x) => net.Conv(x, 256, 3, 1, 1, Activation.Relu));
        yield return Chain("4x (depthwise, 1x1) 128 @80", 128, 80, (net, x) =>
            net.Conv(net.Conv(x, 128, 3, 1, 1, Activation.Relu, groups: 128), 128, 1, 1, 0, Activation.Relu));
        yield return Chain("4x separable 128 @80", 128, 80, (net, x) => net.Separable(x, 128, 3, 1, Activation.Relu, Activation.Relu));
    }

    private static NetworkWorkload Chain(string name, int channels, int size, Func<NetworkWorkload, string, string> layer)
    {
        var net = new NetworkWorkload(name, size, size, channels) { Family = "chain", WantsTail = false };
        string x = NetworkWorkload.Input;
        for (int i = 0; i < 4; i++) x = layer(net, x);
        return net;
    }

    /// <summary>BlazeFace (Bazarevsky et al., 2019): a stem, blocks of depthwise and pointwise convolution over a residual whose missing
    /// channels are zero, and a head of classes and boxes on each of two maps.</summary>
    private static NetworkWorkload Blaze(string name, int size, (int Channels, int Stride)[] fine, (int Channels, int Stride)[] coarse)
    {
        var net = new NetworkWorkload(name, size, size, 3);
        string x = net.Conv(NetworkWorkload.Input, 24, 5, 2, 2, Activation.Relu);
        foreach (var (blocks, anchors) in (((int Channels, int Stride)[], int)[])[(fine, 2), (coarse, 6)])
        {
            foreach (var (channels, stride) in blocks)
            {
                string residual = stride == 1 ? x : net.MaxPool(x, 2, 2, 0);
                x = Separable(net, x, channels, stride, Activation.None, Activation.Relu, residual);
            }

            net.Conv(x, anchors, 1, 1, 0, Activation.None);
            net.Conv(x, 16 * anchors, 1, 1, 0, Activation.None);
        }

        return net;
    }

    /// <summary>The backbone of YOLOX-nano (Ge et al., 2021) behind its focus, which brings 416x416x3 to 208x208x12: CSPDarknet of a
    /// quarter of the width, depthwise-separable.</summary>
    private static NetworkWorkload YoloxNano()
    {
        var net = new NetworkWorkload("YOLOX-nano backbone 416", 208, 208, 12);
        string Base(string map, int channels, int kernel = 1) => net.Conv(map, channels, kernel, 1, kernel / 2, Activation.Silu);
        string x = Base(NetworkWorkload.Input, 16, 3);
        for (int stage = 0; stage < 4; stage++)
        {
            int channels = 32 << stage, half = channels / 2;
            bool isLast = stage == 3;
            x = Separable(net, x, channels, 2, Activation.Silu, Activation.Silu);
            if (isLast)
            {
                // Spatial pyramid pooling.
                string narrow = Base(x, half);
                x = Base(net.Concat(narrow, net.MaxPool(narrow, 5, 1, 2), net.MaxPool(narrow, 9, 1, 4), net.MaxPool(narrow, 13, 1, 6)), channels);
            }

            string inner = Base(x, half), beside = Base(x, half);
            for (int block = 0; block < (stage is 1 or 2 ? 3 : 1); block++)
            {
                string y = Separable(net, Base(inner, half), half, 1, Activation.Silu, Activation.Silu);
                inner = isLast ? y : net.Add(y, inner);
            }

            x = Base(net.Concat(inner, beside), channels);
        }

        return net;
    }

    // As one step where that is faster.
    private static string Separable(NetworkWorkload net, string x, int outChannels, int stride, Activation between, Activation activation, string? residual = null)
    {
        int channels = net.Shapes[x].Channels;
        return channels >= FusedChannels
            ? net.Separable(x, outChannels, 3, stride, between, activation, residual)
            : net.Conv(net.Conv(x, channels, 3, stride, 1, between, groups: channels), outChannels, 1, 1, 0, activation, residual);
    }

    /// <summary>One level of MTCNN's first network (Zhang et al., 2016).</summary>
    private static NetworkWorkload PNet()
    {
        var net = new NetworkWorkload("P-Net level 384x512", 384, 512, 3);
        string x = net.MaxPool(net.Conv(NetworkWorkload.Input, 10, 3, 1, 0, Activation.PRelu), 2, 2, 0, ceiling: true);
        x = net.Conv(net.Conv(x, 16, 3, 1, 0, Activation.PRelu), 32, 3, 1, 0, Activation.PRelu);
        net.Softmax(net.Conv(x, 2, 1, 1, 0, Activation.None));
        net.Conv(x, 4, 1, 1, 0, Activation.None);
        return net;
    }

    /// <summary>ResNet-18 (He et al., 2016) without its classifier.</summary>
    private static NetworkWorkload ResNet18()
    {
        var net = new NetworkWorkload("ResNet-18 body 224", 224, 224, 3);
        string x = net.MaxPool(net.Conv(NetworkWorkload.Input, 64, 7, 2, 3, Activation.Relu), 3, 2, 1);
        for (int stage = 0; stage < 4; stage++)
        {
            int channels = 64 << stage;
            for (int block = 0; block < 2; block++)
            {
                int stride = stage > 0 && block == 0 ? 2 : 1;
                string shortcut = stride == 1 ? x : net.Conv(x, channels, 1, 2, 0, Activation.None);
                x = net.Conv(net.Conv(x, channels, 3, stride, 1, Activation.Relu), channels, 3, 1, 1, Activation.Relu, shortcut);
            }
        }

        return net;
    }
}
