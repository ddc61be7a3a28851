using Fovea.Detection.Pyramids;
using Fovea.Training;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class SlidingWindowsTests
{
    [Fact]
    public void WindowsCoverTheirPixelsOfTheImage()
    {
        Assert.Equal((3, 2), SlidingWindows.Count(10, 8, window: 4, stride: 3, scale: 1));
        Assert.Equal((0, 0), SlidingWindows.Count(10, 8, window: 12, stride: 2, scale: 0.5));
        // Half the size, 5 by 4: two windows beside each other, twice as large in the image.
        Assert.Equal([0, 0, 8, 8, 2, 0, 10, 8], SlidingWindows.Boxes(10, 8, window: 4, stride: 1, [0.5]));
        Assert.Equal(4 * (6 + 1 + 0), SlidingWindows.Boxes(10, 8, 4, 3, [1.0, 0.5, 0.1]).Length);
    }

    // n = floor(log(window / side at the first scale) / log factor) + 1 levels.
    [Theory]
    [InlineData(480, 20, 12, 0.709)]
    [InlineData(1000, 40, 24, 0.8)]
    public void ThePyramidHasAsManyLevelsAsHoldAWindow(int side, int minObject, int window, double factor)
    {
        var first = side * (double)window / minObject;
        Assert.Equal((int)(Math.Log(window / first) / Math.Log(factor)) + 1, ImagePyramid.Scales(side, side, minObject, window, factor).Length);
    }

    // A network of receptive field 8 and stride 2 over the whole image, and over every window alone.
    [Fact]
    public void ANetworkWithoutPaddingIsASlidingWindow()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 4);
        using Parameter first = new("first", init.HeNormal(false, 4, 3, 3, 1)), second = new("second", init.HeNormal(false, 2, 3, 3, 4));
        const int height = 13, width = 12, window = 8, stride = 2;
        using var image = init.Uniform(1, 1, height, width, 1);
        var pixels = image.ToArray<float>(stream);
        var dense = Run(pixels, height, width);
        var (columns, rows) = SlidingWindows.Count(width, height, window, stride, 1);
        Assert.Equal(rows * columns * 2, dense.Length);
        for (var at = 0; at < rows * columns; at++)
        {
            var (top, left) = (at / columns * stride, at % columns * stride);
            float[] crop = [.. Enumerable.Range(0, window * window).Select(i => pixels[(top + i / window) * width + left + i % window])];
            var alone = Run(crop, window, window);
            for (var i = 0; i < 2; i++) Assert.Equal(alone[i], dense[2 * at + i], 1e-5f);
        }

        float[] Run(float[] values, int h, int w)
        {
            using var x = DeviceTensor.From<float>(stream, values, 1, h, w, 1);
            var tape = new Tape();
            var y = tape.Input(x).Conv2D(new Conv2DOptions(1, 4, 3), tape.Use(first)).Activate(Activation.Relu)
                .Pool2D(new Pool2DOptions(PoolMode.Max, 2, 2)).Conv2D(new Conv2DOptions(4, 2, 3), tape.Use(second));
            using var program = TapeProgram.Inference(stream, y);
            program.Run();
            return program.Read(y).ToArray<float>(stream);
        }
    }
}
