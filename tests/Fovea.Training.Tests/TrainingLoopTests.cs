namespace Fovea.Training.Tests;

public sealed class TrainingLoopTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(97)]
    [InlineData(1024)]
    public void EveryEpochIsAnotherPermutation(long count)
    {
        var order = new DataOrder(count, seed: 7);
        var batch = new long[count];
        order.Next(batch);
        var first = batch.ToArray();
        Assert.Equal(Enumerable.Range(0, (int)count).Select(i => (long)i), first.Order());
        order.Next(batch);
        Assert.Equal(2, order.Epoch);
        Assert.Equal(first.Order(), batch.Order());
        if (count > 2) Assert.NotEqual(first, batch);
        if (count > 2) Assert.NotEqual(first, Enumerable.Range(0, (int)count).Select(i => new DataOrder(count, 8).At(0, i)));
    }

    [Fact]
    public void AnOrderGoesOnWhereItStopped()
    {
        var (whole, half) = (new long[30], new long[15]);
        new DataOrder(20, 1).Next(whole);
        new DataOrder(20, 1) { Position = 15 }.Next(half);
        Assert.Equal(whole[15..], half);
        Assert.InRange(new DataOrder(1L << 60, 1).At(5, 12345), 0, (1L << 60) - 1);
    }

    // Over many epochs each example comes to each place about equally often: chi-squared with 99 x 99 degrees of freedom has mean 9801 and
    // deviation 140; 4000 epochs give 40 per pair.
    [Fact]
    public void OrdersAreEven()
    {
        const int count = 100, epochs = 4000;
        var order = new DataOrder(count, 3);
        var seen = new int[count * count];
        for (var epoch = 0; epoch < epochs; epoch++)
            for (var i = 0; i < count; i++) seen[i * count + order.At(epoch, i)]++;
        var expected = (double)epochs / count;
        Assert.InRange(seen.Sum(s => (s - expected) * (s - expected) / expected), 9801 - 5 * 140, 9801 + 5 * 140);
    }

    [Fact]
    public void MicroBatchesAndTheLog()
    {
        using var folder = new TemporaryFolder();
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, 3, 5));
        using var x = Tensors.Random(stream, 2, 8, 5);
        using var t = DeviceTensor.From<int>(stream, [0, 1, 2, 2, 1, 0, 0, 1], 8);
        var tape = new Tape();
        var (input, targets) = (tape.Input(TensorSpec.Of(x).With(2, 5)), tape.Input(TensorSpec.Of(t).With(2)));
        using var optimizer = new Optimizer(stream, new OptimizerOptions { Kind = OptimizerKind.Sgd }, [w]);
        using var program = tape.Compile(stream, input.Linear(tape.Use(w)).CrossEntropy(targets));
        var loop = new TrainingLoop(program, optimizer, new TrainingState(stream, optimizer, 0), LearningRate.Constant(0.5f)) { MicroBatches = 4, MaxGradientNorm = 1 };

        for (var i = 0; i < 2; i++)
        {
            using var log = new TrainingLog(folder.Of("log.csv"));
            for (var k = 0; k < 5; k++) log.Write(loop.Step(Bind));
        }

        var lines = File.ReadAllLines(folder.Of("log.csv"));
        Assert.Equal(11, lines.Length);
        Assert.StartsWith("step,loss,", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("10,", lines[^1], StringComparison.Ordinal);
        var losses = TrainingLog.Read(folder.Of("log.csv")).Select(s => s.Loss).ToArray();
        Assert.Equal(10, losses.Length);
        Assert.True(losses[^1] < losses[0]);
        File.AppendAllText(folder.Of("log.csv"), "11,?\n");
        var bad = Assert.Throws<FormatException>(() => TrainingLog.Read(folder.Of("log.csv")).Count());
        Assert.Contains("log.csv, line 12", bad.Message, StringComparison.Ordinal);

        void Bind(int k)
        {
            program.Bind(input, x.Rows(2 * k, 2));
            program.Bind(targets, t.Rows(2 * k, 2));
        }
    }

    // bf16 products over an f32 master copy, on the device that has 16-bit kernels: f32's loss and gradients up to bf16's 8 bits, a handful
    // of roundings deep.
    [Fact]
    public void MixedPrecisionOverMasterWeights()
    {
        using var stream = Emulated.StreamOrSkip();
        var exact = Run(DType.Float32);
        foreach (var dtype in new[] { DType.BFloat16, DType.Float16 })
        {
            var narrow = Run(dtype);
            Assert.NotEqual(exact, narrow);
            for (var i = 0; i < exact.Length; i++) Assert.Equal(exact[i], narrow[i], 0.02f);
        }

        float[] Run(DType dtype)
        {
            using var w1 = new Parameter("w1", Tensors.Random(stream, 1, 16, 8));
            using var w2 = new Parameter("w2", Tensors.Random(stream, 2, 4, 16));
            using var x = Tensors.Random(stream, 3, 6, 8);
            using var t = DeviceTensor.From<int>(stream, [0, 1, 2, 3, 0, 1], 6);
            var tape = new Tape();
            var h = tape.Input(x).Cast(dtype).Linear(tape.Use(w1).Cast(dtype)).Activate(Activation.Gelu);
            var loss = h.Linear(tape.Use(w2).Cast(dtype)).Cast(DType.Float32).CrossEntropy(tape.Input(t));
            using var program = tape.Compile(stream, loss);
            program.Run();
            return [program.ReadLoss(), .. w1.Gradient.ToArray<float>(stream), .. w2.Gradient.ToArray<float>(stream)];
        }
    }
}
