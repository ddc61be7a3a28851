using Fovea.Bench.Workloads;
using Fovea.Bench.Workloads.Network;

namespace Fovea.Bench.Families;

/// <summary>Whole networks with random weights, batch normalisation folded.</summary>
internal static class NetworkRows
{
    public static IEnumerable<Workload> All()
    {
        yield return PNet();
        yield return ResNet18();
        yield return Blaze("BlazeFace front 128", 128, [(24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1), (64, 1), (72, 1), (80, 1), (88, 1)], [(96, 2), (96, 1), (96, 1), (96, 1), (96, 1)]);
        var seven = Enumerable.Repeat(1, 7);
        yield return Blaze("BlazeFace back 256", 256,
            [.. seven.Select(s => (24, s)), (24, 2), .. seven.Select(s => (24, s)), (48, 2), .. seven.Select(s => (48, s))], [(96, 2), .. seven.Select(s => (96, s))]);
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
                string depthwise = net.Conv(x, net.Shapes[x].Channels, 3, stride, 1, Activation.None, groups: net.Shapes[x].Channels);
                x = net.Conv(depthwise, channels, 1, 1, 0, Activation.Relu, stride == 1 ? x : net.MaxPool(x, 2, 2, 0));
            }

            net.Conv(x, anchors, 1, 1, 0, Activation.None);
            net.Conv(x, 16 * anchors, 1, 1, 0, Activation.None);
        }

        return net;
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
