using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

public sealed class SpaceToDepthTests
{
    // A map of 2 x 4 cells of two channels, whose numbers are row, column, channel.
    [Fact]
    public void SquaresBecomeChannelsColumnByColumn()
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.From<float>(stream,
            [0, 1, 10, 11, 20, 21, 30, 31, 100, 101, 110, 111, 120, 121, 130, 131], 1, 2, 4, 2);
        using var block = new SpaceToDepth("focus");
        var y = block.Forward(new Tape().Input(x));
        Assert.Equal([1L, 1, 2, 8], y.Shape);
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        Assert.Equal([0f, 1, 100, 101, 10, 11, 110, 111, 20, 21, 120, 121, 30, 31, 130, 131], program.Read(y).ToArray<float>(stream));
    }

    [Fact]
    public void GradientsGoBackToTheirCells()
    {
        using var stream = Device.Cpu.CreateStream();
        var block = new SpaceToDepth("focus");
        using var check = new GradientCheck(stream, block, block.Forward, 2, 4, 6, 3);
        check.Run();
    }

    [Fact]
    public void OddSidesAreRefused()
    {
        using var block = new SpaceToDepth("focus");
        Assert.Throws<ArgumentException>(() => block.Forward(new Tape().Input(new TensorSpec(DType.Float32, 1, 3, 4, 2))));
        Assert.Throws<ArgumentException>(() => block.Forward(new Tape().Input(new TensorSpec(DType.Float32, 4, 4, 2))));
    }
}
