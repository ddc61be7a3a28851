using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class LaplacianPyramidTests
{
    private static readonly double[] Kernel = [1, 4, 6, 4, 1];

    [Theory]
    [InlineData(9, 7)]
    [InlineData(8, 10)]
    [InlineData(1, 5)]
    public void AnImageComesBack(int height, int width)
    {
        using var stream = Device.Cpu.CreateStream();
        using var pyramid = new LaplacianPyramid(stream, 3);
        var pixels = Pixels(2 * height * width * 3);
        using var image = DeviceTensor.From<float>(stream, pixels, 2, height, width, 3);
        var levels = pyramid.Laplacian(stream, image, 4);
        using var back = pyramid.Reconstruct(stream, levels);
        var actual = back.ToArray<float>(stream);
        // Numbers below 1, differences below 2: two roundings on each of three levels, the coarser ones passed on.
        for (var i = 0; i < pixels.Length; i++) Assert.Equal(pixels[i], actual[i], 6 * 2 * MathF.ScaleB(1, -24));
        Assert.Equal(((height + 7) / 8, (width + 7) / 8), ((int)levels[3].Shape[1], (int)levels[3].Shape[2]));
        foreach (var level in levels) level.Dispose();
    }

    [Fact]
    public void AConstantStaysOneAndHasNoDetail()
    {
        using var stream = Device.Cpu.CreateStream();
        using var pyramid = new LaplacianPyramid(stream, 1);
        using var image = DeviceTensor.From<float>(stream, [.. Enumerable.Repeat(0.75f, 7 * 6)], 1, 7, 6, 1);
        var gaussian = pyramid.Gaussian(stream, image, 3);
        Assert.All(gaussian[2].ToArray<float>(stream), v => Assert.Equal(0.75f, v, 1e-6f));
        var laplacian = pyramid.Laplacian(stream, image, 3);
        Assert.All(laplacian[0].ToArray<float>(stream), v => Assert.Equal(0, v, 1e-6f));
        foreach (var level in gaussian.Concat(laplacian)) level.Dispose();
    }

    // Against the definition: five taps on each axis, those outside left out, divided by the weight of the others.
    [Theory]
    [InlineData(7, 4)]
    [InlineData(6, 5)]
    public void ReduceAndExpandAreTheirDefinitions(int height, int width)
    {
        using var stream = Device.Cpu.CreateStream();
        using var pyramid = new LaplacianPyramid(stream, 1);
        var pixels = Pixels(height * width);
        using var image = DeviceTensor.From<float>(stream, pixels, 1, height, width, 1);
        using var half = pyramid.Reduce(stream, image);
        var (rows, columns) = ((height + 1) / 2, (width + 1) / 2);
        var reduced = half.ToArray<float>(stream);
        for (var i = 0; i < reduced.Length; i++)
        {
            var (y, x) = (i / columns, i % columns);
            Assert.Equal(Mean(pixels, height, width, (r, c) => Tap(r - 2 * y) * Tap(c - 2 * x)), reduced[i], 1e-6);
        }
        using var whole = pyramid.Expand(stream, half, height, width);
        var expanded = whole.ToArray<float>(stream);
        for (var i = 0; i < expanded.Length; i++)
        {
            var (y, x) = (i / width, i % width);
            Assert.Equal(Mean(reduced, rows, columns, (r, c) => Tap(2 * r - y) * Tap(2 * c - x)), expanded[i], 1e-6);
        }
        Assert.Throws<ArgumentException>(() => pyramid.Expand(stream, half, height + 2, width));
    }

    private static double Tap(int distance) => Math.Abs(distance) <= 2 ? Kernel[distance + 2] : 0;

    private static double Mean(float[] values, int height, int width, Func<int, int, double> weight)
    {
        var (sum, weights) = (0.0, 0.0);
        for (var i = 0; i < height * width; i++)
        {
            var w = weight(i / width, i % width);
            (sum, weights) = (sum + w * values[i], weights + w);
        }
        return sum / weights;
    }

    private static float[] Pixels(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
    }
}
