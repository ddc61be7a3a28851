using Fovea.Models.CenterNet;

namespace Fovea.Models.Tests;

public sealed class CenterNetNetTests
{
    [Fact]
    public void ItIsDeterministicAndHasThePublishedSize()
    {
        var weights = new GeneratedConvolutions();
        using var stream = Device.Cpu.CreateStream();
        using var net = new CenterNetNet(stream, (_, shape) => weights.Floats(shape));
        Assert.Equal(2_014_924, weights.Parameters);
        var pixels = new float[512 * 512 * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = i * 37 % 256;
        using var image = DeviceTensor.From<float>(stream, pixels, 1, 512, 512, 3);
        var (heat, edges) = Run(stream, net, image);
        Assert.All(heat, v => Assert.InRange(v, 0, 1));
        Assert.All(edges, v => Assert.True(float.IsFinite(v)));
        Assert.True(heat.Max() - heat.Min() > 0.01f);
        var (again, edgesAgain) = Run(stream, net, image);
        Assert.Equal(heat, again);
        Assert.Equal(edges, edgesAgain);
    }

    /// <summary>TensorFlow 1 without corner alignment: even rows are the input's, odd ones lie half-way to the next, and the last repeats.</summary>
    [Fact]
    public void LegacyUpsamplingIsTheFormula()
    {
        const int side = 8, channels = 3;
        using var stream = Device.Cpu.CreateStream();
        using var upsampling = new LegacyUpsampling(stream, side);
        var random = new Random(5);
        var values = new float[side * side * channels];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle();
        using var x = DeviceTensor.From<float>(stream, values, 1, side, side, channels);
        // Into the right half of wider rows, whose left half stays.
        float[] before = [.. Enumerable.Repeat(-1f, 2 * side * 2 * side * 2 * channels)];
        using var y = DeviceTensor.From<float>(stream, before, 1, 2 * side, 2 * side, 2 * channels);
        upsampling.Forward(stream, x, y.Columns(channels, channels));
        float[] actual = y.ToArray<float>(stream);
        for (int row = 0; row < 2 * side; row++)
        {
            for (int column = 0; column < 2 * side; column++)
            {
                for (int c = 0; c < channels; c++)
                {
                    int at = (row * 2 * side + column) * 2 * channels + c;
                    Assert.Equal(-1, actual[at]);
                    float top = (At(row / 2, column / 2, c) + At(row / 2, (column + 1) / 2, c)) / 2;
                    float bottom = (At((row + 1) / 2, column / 2, c) + At((row + 1) / 2, (column + 1) / 2, c)) / 2;
                    Assert.Equal((top + bottom) / 2, actual[at + channels], 1e-6f);
                }
            }
        }

        float At(int row, int column, int c) => values[(Math.Min(row, side - 1) * side + Math.Min(column, side - 1)) * channels + c];
    }

    private static (float[] Heat, float[] Edges) Run(DeviceStream stream, CenterNetNet net, DeviceTensor image)
    {
        using var heat = DeviceTensor.Allocate(stream, DType.Float32, 1, 128, 128, 80);
        using var edges = DeviceTensor.Allocate(stream, DType.Float32, 1, 128, 128, 4);
        net.Forward(stream, image, heat, edges);
        return (heat.ToArray<float>(stream), edges.ToArray<float>(stream));
    }
}
