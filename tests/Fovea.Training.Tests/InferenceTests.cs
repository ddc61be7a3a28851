using Fovea.Tests.Support;

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
        Assert.Equal(0, Garbage.Of(() => graph.Replay(stream)));
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

    // conv, norm, sum and activation, of which the caller reads the last, and something between or nothing.
    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 4)] // the convolution is read: nothing fits behind it
    [InlineData(1, 3)] // convolution and norm, then sum and activation alone
    [InlineData(2, 2)]
    public void FusionLeavesWhatIsRead(int read, int steps)
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, 4, 3, 3, 2));
        using var bias = new Parameter("bias", Tensors.Random(stream, 2, 4));
        using Parameter gamma = new("gamma", Tensors.Random(stream, 3, 4)), beta = new("beta", Tensors.Random(stream, 4, 4));
        using DeviceTensor mean = Tensors.Random(stream, 5, 4), variance = DeviceTensor.From<float>(stream, [1, 0.5f, 2, 3], 4);
        using DeviceTensor x = Tensors.Random(stream, 6, 2, 5, 4, 2), other = Tensors.Random(stream, 7, 2, 5, 4, 4);
        var tape = new Tape();
        var input = tape.Input(x);
        var conv = input.Conv2D(new Conv2DOptions(2, 4, 3) { Padding = 1 }, tape.Use(w), tape.Use(bias));
        var norm = conv.FrozenBatchNorm(new BatchNormOptions(), tape.Input(mean), tape.Input(variance), tape.Use(gamma), tape.Use(beta));
        var sum = tape.Input(other).Add(norm);
        var y = sum.Activate(Activation.Relu);
        Value[] outputs = read < 0 ? [y] : [y, new[] { conv, norm, sum }[read]];
        using TapeProgram plain = TapeProgram.Inference(stream, outputs), fused = TapeProgram.FusedInference(stream, outputs);
        Assert.Equal((4, steps), (plain.ForwardSteps, fused.ForwardSteps));
        Compare();
        // The input is bound to another tensor by the value that was recorded.
        using var next = Tensors.Random(stream, 8, 2, 5, 4, 2);
        fused.Bind(input, next);
        plain.Bind(input, next);
        Compare();

        void Compare()
        {
            plain.Run();
            fused.Run();
            foreach (var output in outputs)
            {
                var (expected, actual) = (plain.Read(output).ToArray<float>(stream), fused.Read(output).ToArray<float>(stream));
                // Sums of 20 numbers below 1, rounded in another order.
                for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 20 * MathF.ScaleB(1, -23));
            }
        }
    }

    [Fact]
    public void FusionKeepsToWhatFits()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, 2, 1, 1, 2));
        using var x = Tensors.Random(stream, 2, 1, 3, 3, 2);
        using var row = Tensors.Random(stream, 3, 1, 1, 3, 2);
        using DeviceTensor statistics = DeviceTensor.From<float>(stream, [1, 2], 2), slope = DeviceTensor.From<float>(stream, [0.5f, 0.25f], 2);
        var tape = new Tape();
        var options = new Conv2DOptions(2, 2, 1);
        var (input, weight) = (tape.Input(x), tape.Use(w));
        var unbound = tape.Input(TensorSpec.Of(statistics));
        Value[] outputs =
        [
            input.Conv2D(options, weight).Add(tape.Input(row)), // broadcast
            input.Conv2D(options, weight).Activate(Activation.PRelu, tape.Input(slope)),
            input.Conv2D(options, weight).FrozenBatchNorm(new BatchNormOptions(), unbound, unbound), // not known yet
            Twice(input.Conv2D(options, weight)),
            input.Conv2D(options, weight).Activate(Activation.Relu).FrozenBatchNorm(new BatchNormOptions(), tape.Input(statistics), tape.Input(statistics)),
            input.Linear(weight.Reshape(2, 2)).Activate(Activation.Tanh),
            input.Linear(weight.Reshape(2, 2)).Activate(Activation.PRelu, tape.Input(slope)),
        ];
        using TapeProgram plain = TapeProgram.Inference(stream, outputs), fused = TapeProgram.FusedInference(stream, outputs);
        Assert.Equal(plain.ForwardSteps - 2, fused.ForwardSteps); // ReLU and tanh
        plain.Bind(unbound, statistics);
        fused.Bind(unbound, statistics);
        plain.Run();
        fused.Run();
        foreach (var output in outputs)
        {
            var (expected, actual) = (plain.Read(output).ToArray<float>(stream), fused.Read(output).ToArray<float>(stream));
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], MathF.ScaleB(1, -22)); // the kernels' own activations
        }

        static Value Twice(Value value) => value.Add(value);
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
