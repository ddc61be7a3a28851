using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

public sealed class LocallyConnectedTests
{
    private const int Height = 3, Width = 4, In = 2, Out = 3;

    // Every position by its own filters, in double.
    [Fact]
    public void EveryPositionHasItsOwnFilters()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 3);
        using var layer = new LocallyConnected(init, "local", Height, Width, In, Out, kernel: 3);
        Assert.Equal(Height * Width * Out * (9 * In + 1), layer.Parameters.Sum(p => p.Spec.ElementCount));
        using var bias = init.Uniform(1, Height * Width * Out);
        layer.Parameters.Last().Value.CopyFrom<float>(stream, bias.ToArray<float>(stream));
        using var x = init.Uniform(1, 2, Height, Width, In);
        var y = layer.Forward(new Tape().Input(x));
        Assert.Equal([2L, Height, Width, Out], y.Shape);
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        var (actual, input) = (program.Read(y).ToArray<float>(stream), x.ToArray<float>(stream));
        var (weight, shift) = (layer.Parameters.First().Value.ToArray<float>(stream), bias.ToArray<float>(stream));
        for (var i = 0; i < actual.Length; i++)
        {
            var (image, at, channel) = (i / (Height * Width * Out), i / Out % (Height * Width), i % Out);
            double expected = shift[at * Out + channel];
            for (var c = 0; c < In; c++)
                for (var tap = 0; tap < 9; tap++)
                {
                    var (row, column) = (at / Width + tap / 3 - 1, at % Width + tap % 3 - 1);
                    if (row < 0 || row >= Height || column < 0 || column >= Width) continue;
                    expected += (double)weight[(at * Out + channel) * 9 * In + 9 * c + tap] * input[((image * Height + row) * Width + column) * In + c];
                }
            // 19 products of numbers around 1, rounded to 2^-24 of the sum each.
            Assert.Equal(expected, actual[i], 19 * 4 * Math.ScaleB(1, -24));
        }
        Assert.Throws<ArgumentException>(() => layer.Forward(new Tape().Input(new TensorSpec(DType.Float32, 1, Width, Height, In))));
        Assert.Throws<ArgumentException>(() => new LocallyConnected(init, "local", Height, Width, In, Out, kernel: 2));
    }

    [Fact]
    public void GradientsAreDifferenceQuotients()
    {
        using var stream = Device.Cpu.CreateStream();
        var layer = new LocallyConnected(new Initializer(stream, 4), "local", Height, Width, In, Out, kernel: 3);
        using var check = new GradientCheck(stream, layer, layer.Forward, 2, Height, Width, In);
        check.Run();
    }
}
