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
