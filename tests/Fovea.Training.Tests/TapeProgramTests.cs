namespace Fovea.Training.Tests;

public sealed class TapeProgramTests
{
    [Fact]
    public void AnAnomalyNamesTheOperationThatMadeIt()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = new Parameter("p", DeviceTensor.From<float>(stream, [1, -1], 2));
        var tape = new Tape();
        Value loss;
        using (tape.Named("head"))
        using (tape.Named("score")) loss = tape.Use(p).Unary(UnaryOp.Log).Sum();
        using var program = tape.Compile(stream, loss);
        program.DetectsAnomalies = true;
        var found = Assert.Throws<AnomalyException>(program.Run);
        Assert.Equal("head/score/log", found.Operation);
        Assert.Contains("element 1", found.Message, StringComparison.Ordinal);

        // Finite forward, infinite backward: the root's slope at 0.
        p.Value.CopyFrom<float>(stream, [0, 1]);
        var root = new Tape();
        using var backward = root.Compile(stream, root.Use(p).Unary(UnaryOp.Sqrt).Sum());
        backward.DetectsAnomalies = true;
        found = Assert.Throws<AnomalyException>(backward.Run);
        Assert.Contains("backward", found.Message, StringComparison.Ordinal);
    }

    // The gradient of a view is kept in the shape of what it is a view of.
    [Fact]
    public void ALossMayHaveAnyShapeOfOneElement()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = new Parameter("p", DeviceTensor.From<float>(stream, [3], 1));
        foreach (var isView in (bool[])[false, true])
        {
            var tape = new Tape();
            var square = tape.Use(p).Multiply(tape.Use(p));
            using var program = tape.Compile(stream, isView ? square.Reshape() : square);
            p.ClearGradient();
            program.Run();
            Assert.Equal(9, program.ReadLoss());
            Assert.Equal([6f], p.Gradient.ToArray<float>(stream));
        }
        using var pair = new Parameter("pair", DeviceTensor.From<float>(stream, [3, 4], 2));
        var parts = new Tape();
        var part = parts.Use(pair).Affine(2).Rows(1, 1);
        Assert.Contains("part of a larger result", Assert.Throws<ArgumentException>(() => parts.Compile(stream, part)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HooksSeeAndChangeAGradientBeforeItFlowsOn()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = new Parameter("p", DeviceTensor.From<float>(stream, [2, 3], 2));
        var tape = new Tape();
        var doubled = tape.Use(p).Affine(2);
        var calls = 0;
        tape.OnGradient(doubled, (s, gradient) =>
        {
            calls++;
            Kernels.Affine(s, 10, 0, gradient, gradient);
        });
        using var program = tape.Compile(stream, doubled.Multiply(doubled).Sum());
        program.Run();
        Assert.Equal(1, calls);
        Assert.Equal([160, 240], p.Gradient.ToArray<float>(stream)); // 10 * 2 * 2 * (2p)
    }

    [Fact]
    public void NoGradientFlowsThroughDetachedAndFrozenParts()
    {
        using var stream = Device.Cpu.CreateStream();
        using var a = new Parameter("a", DeviceTensor.From<float>(stream, [3], 1));
        using var b = new Parameter("b", DeviceTensor.From<float>(stream, [5], 1)) { RequiresGradient = false };
        var tape = new Tape();
        var x = tape.Use(a);
        var loss = x.Multiply(tape.Detach(x)).Add(x.Multiply(tape.Use(b))).Sum();
        using var program = tape.Compile(stream, loss);
        program.Run();
        Assert.Equal([8], a.Gradient.ToArray<float>(stream));
        Assert.False(b.HasGradient);

        Value unused;
        using (tape.NoGradient()) unused = x.Affine(2).Sum();
        Assert.Throws<ArgumentException>(() => tape.Compile(stream, unused));
    }

    [Fact]
    public void MicroBatchesAddUpToTheBatch()
    {
        using var stream = Device.Cpu.CreateStream();
        using var w = new Parameter("w", Tensors.Random(stream, 1, 4, 6));
        using var x = Tensors.Random(stream, 2, 8, 6);
        using var t = DeviceTensor.From<int>(stream, [0, 1, 2, 3, 3, 2, 1, 0], 8);
        var big = new Tape();
        using (var program = big.Compile(stream, big.Input(x).Linear(big.Use(w)).CrossEntropy(big.Input(t)))) program.Run();
        var expected = w.Gradient.ToArray<float>(stream);

        w.ClearGradient();
        var small = new Tape();
        var (input, targets) = (small.Input(TensorSpec.Of(x).With(2, 6)), small.Input(TensorSpec.Of(t).With(2)));
        using var part = small.Compile(stream, input.Linear(small.Use(w)).CrossEntropy(targets));
        part.SetLossGradient(1f / 4);
        for (var i = 0; i < 4; i++)
        {
            part.Bind(input, x.Rows(2 * i, 2));
            part.Bind(targets, t.Rows(2 * i, 2));
            part.Run();
        }
        var sum = w.Gradient.ToArray<float>(stream);
        for (var i = 0; i < sum.Length; i++) Assert.Equal(expected[i], sum[i], 1e-6f);
    }

    [Fact]
    public void WrongOrdersAndShapesAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = new Parameter("p", DeviceTensor.From<float>(stream, [1, 2], 2));
        var tape = new Tape();
        var loss = tape.Use(p).Affine(2).Unary(UnaryOp.Square).Sum();
        TapeStep[] whole = [.. TapeOrder.KeepAll(tape)];
        Refused("has not computed", [.. whole[1..]]);
        Refused("never runs operation 0 backward", [.. whole[..^1]]);
        Refused("where 2 is due", [.. whole[..3], TapeStep.Backward(1)]);
        Refused("the tape has 3", [.. whole, TapeStep.Forward(7)]);
        Refused("no memory of its own", [new TapeStep(TapeStepKind.Offload, 0), .. whole]);
        Assert.Contains("linear: weight", Assert.Throws<ArgumentException>(() => tape.Use(p).Linear(tape.Use(p))).Message, StringComparison.Ordinal);
        Assert.Contains("another tape", Assert.Throws<ArgumentException>(() => new Tape().Record(new UnaryOperation(UnaryOp.Exp), loss)).Message, StringComparison.Ordinal);

        void Refused(string message, TapeStep[] order)
        {
            var refused = Assert.Throws<ArgumentException>(() => tape.Compile(stream, loss, order));
            Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ARunThatRunsOutOfMemoryGivesEverythingBack()
    {
        using var pool = new DeviceMemoryPool(Device.Cpu, new DeviceMemoryPoolOptions { BudgetBytes = 3_000_000 });
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        using var p = new Parameter("p", Tensors.Random(stream, 1, 64, 64));
        using var x = Tensors.Random(stream, 2, 2048, 64);
        var tape = new Tape();
        var h = tape.Input(x);
        for (var i = 0; i < 8; i++) h = h.Linear(tape.Use(p)).Activate(Activation.Tanh);
        using var program = tape.Compile(stream, h.Sum());
        var before = pool.Statistics.InUseBytes;
        Assert.Throws<DeviceOutOfMemoryException>(program.Run);
        Assert.Equal(before, pool.Statistics.InUseBytes);
    }
}
