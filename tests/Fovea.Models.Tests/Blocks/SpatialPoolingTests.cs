using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

public sealed class SpatialPoolingTests
{
    [Fact]
    public void BinsGiveOneLengthForEverySize()
    {
        var tape = new Tape();
        using var small = new SpatialBins("spp", 1, 2, 4);
        using var large = new SpatialBins("spp", 1, 2, 3, 6);
        foreach (var (height, width) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 40), (13, 13), (40, 7)])
        {
            var x = tape.Input(new TensorSpec(DType.Float32, 2, height, width, 256));
            Assert.Equal([2L, 5_376], small.Forward(x).Shape);
            Assert.Equal([2L, 12_800], large.Forward(x).Shape);
        }
    }

    // A map that grows along rows and columns: each maximum is the last cell of its bin. 10 cells in 4 bins: [0,3) [2,5) [5,8) [7,10);
    // 7 cells in 3: [0,3) [2,5) [4,7).
    [Fact]
    public void BinsHaveTheAdaptiveBordersLevelByLevel()
    {
        using var stream = Device.Cpu.CreateStream();
        var map = new float[10 * 10];
        for (var i = 0; i < map.Length; i++) map[i] = i - 200; // negative: padding by zeros would win
        Assert.Equal([99 - 200f, .. Corners(3, 5, 8, 10)], Run(stream, new SpatialBins("spp", 1, 4), map, 10, 10, 1));
        var seven = Enumerable.Range(0, 49).Select(i => (float)(10 * (i / 7) + i % 7)).ToArray();
        Assert.Equal([22, 24, 26, 42, 44, 46, 62, 64, 66], Run(stream, new SpatialBins("spp", 3), seven, 7, 7, 1));

        // Fewer cells than bins: [0,1) [0,2) [1,2).
        Assert.Equal([1, 2, 2, 3, 4, 4, 3, 4, 4], Run(stream, new SpatialBins("spp", 3), [1, 2, 3, 4], 2, 2, 1));

        static IEnumerable<float> Corners(params int[] ends) => ends.SelectMany(y => ends.Select(x => (y - 1) * 10f + x - 1 - 200));
    }

    [Fact]
    public void PyramidPoolingHasTheBitsOfItsWindowsAndDarknetsOrder()
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = new Initializer(stream, 2).Uniform(1, 1, 11, 7, 3);
        Kernels.Affine(stream, 1, -2, x, x); // all negative: padding by zeros would win
        var tape = new Tape();
        var input = tape.Input(x);
        using var darknet = new SpatialPyramidPooling("spp");
        using var inputFirst = new SpatialPyramidPooling("spp", inputFirst: true);
        Value[] windows = [.. new[] { 13, 9, 5 }.Select(k => input.Pool2D(new Pool2DOptions(PoolMode.Max, k, 1, k / 2)))];
        var (expected, reversed) = (windows[0].Concat(windows[1], windows[2], input), input.Concat(windows[2], windows[1], windows[0]));
        var (first, second) = (darknet.Forward(input), inputFirst.Forward(input));
        using var program = TapeProgram.Inference(stream, expected, reversed, first, second);
        program.Run();
        Assert.Equal(program.Read(expected).ToArray<float>(stream), program.Read(first).ToArray<float>(stream));
        Assert.Equal(program.Read(reversed).ToArray<float>(stream), program.Read(second).ToArray<float>(stream));
        Assert.Throws<ArgumentException>(() => new SpatialPyramidPooling("spp", false, 5, 5));
        Assert.Throws<ArgumentException>(() => new SpatialPyramidPooling("spp", false, 4));
    }

    private static float[] Run(DeviceStream stream, Module module, float[] values, params ReadOnlySpan<long> shape)
    {
        using (module)
        {
            using var x = DeviceTensor.From<float>(stream, values, [1, .. shape]);
            var y = module.Forward(new Tape().Input(x));
            using var program = TapeProgram.Inference(stream, y);
            program.Run();
            return program.Read(y).ToArray<float>(stream);
        }
    }
}
