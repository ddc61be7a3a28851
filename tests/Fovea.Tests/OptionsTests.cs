using Xunit;

namespace Fovea.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void DefaultsAreTheFieldsUsualOnes()
    {
        var conv = new Conv2DOptions(3, 10, 3) { Stride = 2, Padding = 1 };
        Assert.Equal((2, 2, 1, 1, 1, 1), (conv.StrideHeight, conv.StrideWidth, conv.PadTop, conv.PadRight, conv.DilationHeight, conv.Groups));
        Assert.Equal(Activation.None, conv.Activation);
        Assert.Equal((12L, 7L), conv.OutputSize(23, 14));
        Assert.Equal(1, new ResizeOptions().Scale);
        Assert.Equal(-1, new SoftmaxOptions().Axis);
        Assert.Equal(float.NegativeInfinity, new NmsOptions().ScoreThreshold);
        Assert.Equal(0b101u, ReduceOptions.Over(ReduceOp.Sum, 0, 2).Axes);
        Assert.Throws<ArgumentOutOfRangeException>(() => ReduceOptions.Over(ReduceOp.Sum, -1));
    }

    [Theory]
    [InlineData(false, 10, 10)]
    [InlineData(true, 11, 11)]
    public void PoolOutputRoundsDownOrUp(bool ceil, long height, long width) =>
        Assert.Equal((height, width), (new Pool2DOptions(PoolMode.Max, 2, 2) { CeilMode = ceil }).OutputSize(21, 21));

    [Fact]
    public void AWindowThatWouldStartInThePaddingIsDropped() =>
        Assert.Equal((2L, 2L), (new Pool2DOptions(PoolMode.Max, 2, 2, 1) { CeilMode = true }).OutputSize(3, 3));

    [Fact]
    public void LetterboxKeepsProportions()
    {
        var options = LetterboxOptions.Fit(640, 480, 320, 320);
        Assert.Equal((0, 40, 320, 240), (options.PlaceX, options.PlaceY, options.PlaceWidth, options.PlaceHeight));
    }

    [Fact]
    public void DefaultOptionsAreRefusedByTheKernel()
    {
        using var stream = Device.Cpu.CreateStream();
        using var weights = DeviceTensor.Allocate(stream, DType.Float32, 1, 1, 1, 1);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<DeviceException>(() => Kernels.PrepareConv2D(stream, default, weights)).Status);
    }
}
