using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class BoxCoderTests
{
    [Fact]
    public void EncodesThePublishedVector()
    {
        var deltas = new float[4];
        BoxCoder.Scaled.Encode([12, 8, 32, 40], [10, 10, 30, 50], deltas);
        Assert.Equal([-1, 1.875f, 0], deltas[..3]);
        Assert.Equal(1.1157178f, deltas[3], 1e-7f);
    }

    [Fact]
    public void DecodingUndoesEncoding()
    {
        var random = new Random(7);
        var (deltas, box) = (new float[4], new float[4]);
        foreach (var coder in (BoxCoder[])[BoxCoder.Plain, BoxCoder.Scaled])
        {
            for (var i = 0; i < 200; i++)
            {
                var (anchor, wanted) = (Box(random), Box(random));
                coder.Encode(anchor, wanted, deltas);
                coder.Decode(anchor, deltas, box);
                // Four roundings to f32 of numbers below 200 that are multiplied by sizes below 100.
                for (var k = 0; k < 4; k++) Assert.Equal(wanted[k], box[k], 1e-4f);
            }
        }
    }

    [Fact]
    public void LogarithmsOfSizesAreClamped()
    {
        var box = new float[4];
        BoxCoder.Plain.Decode([0, 0, 16, 16], [0, 0, 50, 4.2f], box);
        Assert.Equal([-492, -492, 508, 508], box);
        BoxCoder.Scaled.Decode([0, 0, 16, 16], [0, 0, 20.6f, -1000], box);
        Assert.Equal(16 * MathF.Exp(4.12f), box[2] - box[0], 1e-2f);
        Assert.Equal(0, box[3] - box[1]);
    }

    [Fact]
    public void TheKernelDecodesTheSame()
    {
        using var stream = Device.Cpu.CreateStream();
        var random = new Random(9);
        var (anchor, wanted, deltas) = (Box(random), Box(random), new float[4]);
        BoxCoder.Scaled.Encode(anchor, wanted, deltas);
        using var anchors = DeviceTensor.From<float>(stream, anchor, 1, 4);
        using var regression = DeviceTensor.From<float>(stream, deltas, 1, 4);
        using var scores = DeviceTensor.From<float>(stream, [0.5f], 1, 1);
        using var rows = DeviceTensor.Allocate(stream, DType.Float32, 1, 6);
        using var count = DeviceTensor.From<int>(stream, [0], 1);
        Kernels.DecodeBoxes(stream, new DecodeOptions { Boxes = BoxMode.Deltas, DeltaWeights = (10, 10, 5, 5) }, scores, null, regression, anchors, rows, count);
        var decoded = rows.ToArray<float>(stream);
        for (var k = 0; k < 4; k++) Assert.Equal(wanted[k], decoded[k], 1e-4f);
    }

    private static float[] Box(Random random)
    {
        var (x, y) = (random.NextSingle() * 100, random.NextSingle() * 100);
        return [x, y, x + 2 + random.NextSingle() * 90, y + 2 + random.NextSingle() * 90];
    }
}
