using Fovea.Bench.Workloads.Network;
using Xunit;

namespace Fovea.Cli.Tests.Bench;

public class NetworkTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void OneCallEqualsTwoLayers(int stride)
    {
        float[][] results = [.. ((bool[])[false, true]).Select(fused =>
        {
            var net = new NetworkWorkload("net", 13, 11, 5);
            string x = net.Conv(NetworkWorkload.Input, 20, 1, 1, 0, Activation.Relu), residual = stride == 1 ? x : net.MaxPool(x, 1, 2, 0);
            if (fused) net.Separable(x, 24, 3, stride, Activation.Silu, Activation.Relu, residual);
            else net.Conv(net.Conv(x, 20, 3, stride, 1, Activation.Silu, groups: 20), 24, 1, 1, 0, Activation.Relu, residual);
            Assert.Equal(stride == 1 ? 3 : 4, net.Layers.Count());
            return Run(net);
        })];
        Assert.Equal(results[0].Length, results[1].Length);
        // Sums of at most 20 products of magnitude 1, rounded in another order.
        Assert.All(results[0].Zip(results[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public void PartsLieSideBySide()
    {
        var alone = new NetworkWorkload("net", 4, 4, 3);
        alone.Conv(NetworkWorkload.Input, 2, 1, 1, 0, Activation.None);
        var net = new NetworkWorkload("net", 4, 4, 3);
        string a = net.Conv(NetworkWorkload.Input, 2, 1, 1, 0, Activation.None), sum = net.Add(a, a);
        net.MaxPool(net.Concat(sum, a), 1, 1, 0);
        float[] part = Run(alone), whole = Run(net);
        Assert.Equal(2 * part.Length, whole.Length);
        for (int i = 0; i < part.Length; i++)
        {
            Assert.Equal(2 * part[i], whole[i / 2 * 4 + i % 2]);
            Assert.Equal(part[i], whole[i / 2 * 4 + 2 + i % 2]);
        }
    }

    private static float[] Run(NetworkWorkload net)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var contestant = net.CreateFovea(stream);
        contestant.Call();
        return contestant.Read!();
    }
}
