namespace Fovea.Training.Tests;

public sealed class TapeTests
{
    // loss = u (w2 (w1 x)), one number, with gradients that can be written down.
    [Fact]
    public void GradientsOfAChainOfProducts()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w1 = new Parameter("w1", DeviceTensor.From<float>(stream, [1, 2, 3, 4], 2, 2));
        using var w2 = new Parameter("w2", DeviceTensor.From<float>(stream, [5, 6, 7, 8], 2, 2));
        using var x = DeviceTensor.From<float>(stream, [1, -1], 1, 2);
        using var u = DeviceTensor.From<float>(stream, [1, 1], 1, 2);
        var tape = new Tape();
        var loss = tape.Input(x).Linear(tape.Use(w1)).Linear(tape.Use(w2)).Linear(tape.Input(u));
        using var program = tape.Compile(stream, loss);

        program.Run();

        // h = w1 x = (-1, -1); y = w2 h = (-11, -15); loss = -26; dh = w2^T u = (12, 14).
        Assert.Equal(-26, program.ReadLoss());
        Assert.Equal([-1, -1, -1, -1], w2.Gradient.ToArray<float>(stream));
        Assert.Equal([12, -12, 14, -14], w1.Gradient.ToArray<float>(stream));

        program.Run(); // adds
        Assert.Equal([24, -24, 28, -28], w1.Gradient.ToArray<float>(stream));
        w1.ClearGradient();
        program.Run();
        Assert.Equal([12, -12, 14, -14], w1.Gradient.ToArray<float>(stream));
    }

    [Fact]
    public void CheckpointedSegmentsGiveTheSameBitsInLessMemory()
    {
        var (plain, plainPeak, _) = Deep(segments: 0);
        var (marked, markedPeak, again) = Deep(segments: 4);

        Assert.Equal(plain, marked);
        Assert.True(again > 0);
        Assert.True(markedPeak < plainPeak, $"{markedPeak} B with segments, {plainPeak} B without");
    }

    private static (float[] Gradient, long Peak, int Again) Deep(int segments)
    {
        const int layers = 16, rows = 256, width = 32;
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, width, width));
        using var x = Tensors.Random(stream, 2, rows, width);
        using var u = Tensors.Random(stream, 3, 1, rows * width);
        var tape = new Tape();
        var h = tape.Input(x);
        for (var i = 0; i < layers;)
        {
            var count = segments == 0 ? 1 : layers / segments;
            h = segments == 0 ? h.MatMul(tape.Use(w)) : Checkpoint.Run(tape, () => Repeat(h, count));
            i += count;
        }
        var loss = h.Reshape(1, rows * width).Linear(tape.Input(u)).Reshape();
        using var program = tape.Compile(stream, loss);
        var profile = program.Profile(runs: 1);
        program.Dispose();
        w.ClearGradient();
        using var again = tape.Compile(stream, loss);
        var before = stream.Pool.Statistics.InUseBytes;
        stream.Pool.ResetPeak();
        again.Run();
        var peak = stream.Pool.Statistics.PeakInUseBytes - before;
        Assert.Equal(again.Forecast(profile).PeakBytes, peak);
        return (w.Gradient.ToArray<float>(stream), peak, again.RecomputedSteps);

        Value Repeat(Value value, int count)
        {
            for (var i = 0; i < count; i++) value = value.MatMul(tape.Use(w));
            return value;
        }
    }
}
