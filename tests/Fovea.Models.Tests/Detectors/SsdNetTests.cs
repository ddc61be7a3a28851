using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Models.Tests.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class SsdNetTests
{
    // Convolutions of VGG-16, fc6, fc7 and the pairs above them, 512 scales, and 9 * 14,848 + 30 numbers per column of the heads.
    [Theory]
    [InlineData(20, 26_285_486)]
    [InlineData(90, 35_641_826)]
    public void Ssd300HasItsPublishedNumberOfParameters(int classes, long parameters)
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = SsdNet.Of300(Initializer.Undefined(stream), classes);
        Assert.Equal(parameters, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal(14_714_688 + 4_719_616 + 1_049_600 + 2_459_520 + 512 + 133_662L * (classes + 5), parameters);
    }

    [Fact]
    public void Ssd300HasItsLevels()
    {
        using var stream = Device.Cpu.CreateStream();
        using var base300 = new SsdVgg16(Initializer.Undefined(stream), "backbone");
        var tape = new Tape();
        var image = tape.Input(new TensorSpec(DType.Float32, 1, 300, 300, 3));
        var levels = base300.Levels(image);
        Assert.Equal([38L, 19, 10, 5, 3, 1], levels.Select(l => l.Shape[1]));
        Assert.Equal(base300.LevelChannels.Select(c => (long)c), levels.Select(l => l.Shape[3]));
        Assert.Equal(base300.LevelStrides.Select(s => (300L + s - 1) / s), levels.Select(l => l.Shape[1]));

        using var net = SsdNet.Of300(Initializer.Undefined(stream), 20);
        var (classes, deltas) = net.Outputs(image);
        Assert.Equal([1L, 8732, 21], classes.Shape);
        Assert.Equal([1L, 8732, 4], deltas.Shape);
        Assert.Throws<ArgumentException>(() => new SsdNet(Initializer.Undefined(stream), "", new SsdVgg16(Initializer.Undefined(stream), "b"), 20, [4, 6]));
    }

    [Fact]
    public void ChannelNormGradients()
    {
        using var stream = Device.Cpu.CreateStream();
        using var norm = new ChannelNorm(new Initializer(stream, 5), "norm", 5, scale: 2);
        using var check = new GradientCheck(stream, norm, norm.Forward, 2, 3, 2, 5);
        check.Run();
    }
}
