namespace Fovea.Training.Tests;

public sealed class InferenceTests
{
    [Fact]
    public void ComputesTheResultsOfTrainingWithoutGradientsInLessMemory()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, 32, 32));
        using var x = Tensors.Random(stream, 2, 64, 32);
        var tape = new Tape();
        var h = tape.Input(x);
        for (var i = 0; i < 8; i++) h = h.Linear(tape.Use(w)).Activate(Activation.Tanh);
        var unread = h.Linear(tape.Use(w));

        using var inference = TapeProgram.Inference(stream, h);
        var before = stream.Pool.Statistics.InUseBytes;
        stream.Pool.ResetPeak();
        inference.Run();
        var peak = stream.Pool.Statistics.PeakInUseBytes - before;
        var actual = inference.Read(h).ToArray<float>(stream);
        Assert.False(w.HasGradient);
        Assert.Equal(16, inference.ForwardSteps); // not the product that nobody reads
        Assert.Throws<InvalidOperationException>(() => inference.Read(unread));

        using var training = tape.Compile(stream, h.Sum(), order: null, h);
        training.Run();
        Assert.Equal(training.Read(h).ToArray<float>(stream), actual);
        Assert.Equal(2 * 64 * 32 * sizeof(float), peak); // what an operation reads and what it writes
    }

    [Fact]
    public void AReplayLeavesNoGarbageAndFollowsItsInput()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", DeviceTensor.From<float>(stream, [1, 2, 3, 4], 2, 2));
        using var x = DeviceTensor.From<float>(stream, [1, 1], 1, 2);
        var tape = new Tape();
        var (sum, product) = Both(tape, w, x);
        using var program = TapeProgram.Inference(stream, sum, product);
        program.Run(); // warms the pool
        using var capture = stream.BeginCapture();
        program.Run();
        using var graph = capture.End();
        var (first, second) = (program.Read(sum), program.Read(product));
        for (var i = 0; i < 3; i++) graph.Replay(stream);
        var before = GC.GetAllocatedBytesForCurrentThread();
        graph.Replay(stream);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal([10], first.ToArray<float>(stream));
        Assert.Equal([3, 7], second.ToArray<float>(stream));

        x.CopyFrom<float>(stream, [1, -1]);
        graph.Replay(stream);
        Assert.Equal([-2], first.ToArray<float>(stream));
    }

    [Fact]
    public void ParametersArePackedOnceAndInputsInEveryRun()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", DeviceTensor.From<float>(stream, [1, 2, 3, 4], 2, 2));
        using var v = DeviceTensor.From<float>(stream, [1, 0, 0, 1], 2, 2);
        using var x = DeviceTensor.From<float>(stream, [1, 1], 1, 2);
        var tape = new Tape();
        var (constant, variable) = (tape.Input(x).Linear(tape.Use(w)), tape.Input(x).Linear(tape.Input(v)));
        using var program = TapeProgram.Inference(stream, constant, variable);
        w.Value.CopyFrom<float>(stream, [0, 0, 0, 0]);
        v.CopyFrom<float>(stream, [5, 0, 0, 6]);
        for (var i = 0; i < 2; i++)
        {
            program.Run();
            Assert.Equal([3, 7], program.Read(constant).ToArray<float>(stream));
            Assert.Equal([5, 6], program.Read(variable).ToArray<float>(stream));
        }
        using var later = TapeProgram.Inference(stream, constant);
        later.Run();
        Assert.Equal([0, 0], later.Read(constant).ToArray<float>(stream));
    }

    [Fact]
    public void RefusesWhatIsNoInference()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", DeviceTensor.From<float>(stream, [1, 2, 3, 4], 2, 2));
        using var x = DeviceTensor.From<float>(stream, [1, 1], 1, 2);
        using var statistics = DeviceTensor.From<float>(stream, [1, 1], 2);
        var tape = new Tape();
        var (sum, product) = Both(tape, w, x);
        using var program = TapeProgram.Inference(stream, sum);
        Assert.Throws<InvalidOperationException>(() => program.ReadLoss());
        Assert.Throws<InvalidOperationException>(() => program.SetLossGradient(2));
        Assert.Throws<ArgumentException>(() => TapeProgram.Inference(stream));
        Assert.Throws<ArgumentException>(() => TapeProgram.Inference(stream, sum, Both(new Tape(), w, x).Sum));
        var normalised = product.BatchNorm(new BatchNormOptions(), statistics, statistics);
        var refused = Assert.Throws<ArgumentException>(() => TapeProgram.Inference(stream, normalised));
        Assert.Contains("evaluation mode", refused.Message, StringComparison.Ordinal);
    }

    private static (Value Sum, Value Product) Both(Tape tape, Parameter w, DeviceTensor x)
    {
        var product = tape.Input(x).Linear(tape.Use(w));
        return (product.Sum(), product);
    }
}
