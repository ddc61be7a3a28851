using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class KeyPointNetTests
{
    // ResNet-18 without classifier 11,176,512; doublings 2,353,947 + 619,931 + 170,715; heads 3 * 36,928 + 5,200 + 2 * 130.
    [Fact]
    public void CenterNetHasItsParametersAndMaps()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = TrainableCenterNet.OfResNet18(Initializer.Undefined(stream), 80);
        Assert.Equal(14_437_349, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal((80, 4, 32), (net.ClassCount, net.Stride, net.CoarsestStride));
        var (heat, size, offset) = net.Outputs(new Tape().Input(new TensorSpec(DType.Float32, 1, 512, 512, 3)));
        Assert.Equal([1L, 128, 128, 80], heat.Shape);
        Assert.Equal([1L, 128, 128, 2], size.Shape);
        Assert.Equal([1L, 128, 128, 2], offset.Shape);
        string[] names = [.. net.Parameters.Select(p => p.Name)];
        foreach (var layer in (string[])["deconv_layers.0.conv_offset_mask.weight", "deconv_layers.1.bias", "deconv_layers.3.weight", "deconv_layers.16.weight", "hm.0.weight", "wh.2.bias", "reg.2.weight"])
            Assert.Contains(layer, names);
    }

    [Fact]
    public void HeatMapsBeginNearOneTenth()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = TrainableCenterNet.OfResNet18(new Initializer(stream, 1), 3);
        Assert.All(net.Parameters.Single(p => p.Name == "hm.2.bias").Value.ToArray<float>(stream), b => Assert.Equal(-2.19f, b));
    }
}
