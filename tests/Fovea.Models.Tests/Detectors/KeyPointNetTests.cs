using Fovea.Models.Backbones;
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

    // Front 938,112; two hourglasses of 92,134,400; behind each 7,257,766 of result, pooling and heads; between them 1,312,768.
    [Fact]
    public void CornerNetHasItsParametersAndMaps()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = CornerNet.OfHourglass104(Initializer.Undefined(stream), 80);
        Assert.Equal(201_035_212, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal((80, 4), (net.ClassCount, net.Stride));
        // 511 pixels are 128 cells, which are halved five times.
        var stacks = net.Outputs(new Tape().Input(new TensorSpec(DType.Float32, 1, 511, 511, 3)));
        Assert.Equal(2, stacks.Count);
        foreach (var (topLeft, bottomRight) in stacks)
        {
            Assert.Equal([1L, 128, 128, 80], topLeft.Heat.Shape);
            Assert.Equal([1L, 128, 128, 1], bottomRight.Tag.Shape);
            Assert.Equal([1L, 128, 128, 2], bottomRight.Offset.Shape);
        }
    }

    [Fact]
    public void OddMapsComeBackToTheirSize()
    {
        using var stream = Device.Cpu.CreateStream();
        var options = new HourglassOptions { StemChannels = 2, Widths = [4, 4, 6], Blocks = [1, 2, 1], Stacks = 1, Channels = 4 };
        using var hourglass = new StackedHourglass(Initializer.Undefined(stream), "", options);
        Assert.Equal([1L, 7, 11, 4], hourglass.Forward(new Tape().Input(new TensorSpec(DType.Float32, 1, 27, 41, 3))).Shape);
        Assert.Throws<ArgumentException>(() => new StackedHourglass(Initializer.Undefined(stream), "", options with { Blocks = [1, 2] }));
    }

    [Fact]
    public void HeatMapsBeginNearOneTenth()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = TrainableCenterNet.OfResNet18(new Initializer(stream, 1), 3);
        Assert.All(net.Parameters.Single(p => p.Name == "hm.2.bias").Value.ToArray<float>(stream), b => Assert.Equal(-2.19f, b));
    }
}
