using Fovea.Models.Blocks;
using Fovea.Tests.Support;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

public sealed class BlockTests
{
    // The half that goes around comes out in the even channels, the other one in the odd ones.
    [Fact]
    public void AShuffleUnitInterleavesItsHalves()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 1);
        using var unit = new ShuffleUnit(init, "unit", 6, 6, 1, new ConvStyle());
        using var x = init.Uniform(1, 1, 2, 3, 6);
        unit.Train(false);
        var y = unit.Forward(new Tape().Input(x));
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        var (before, after) = (x.ToArray<float>(stream), program.Read(y).ToArray<float>(stream));
        for (var pixel = 0; pixel < 6; pixel++)
            for (var i = 0; i < 3; i++) Assert.Equal(before[6 * pixel + i], after[6 * pixel + 2 * i]);
        Assert.Contains(after, v => v == 0); // the last of the others is a ReLU
        Assert.Throws<ArgumentException>(() => new ShuffleUnit(init, "unit", 4, 6, 1, new ConvStyle()));
    }

    [Fact]
    public void BatchNormUsesTheBatchInTrainingAndRunningStatisticsInEvaluation()
    {
        using var stream = Device.Cpu.CreateStream();
        using var norm = new BatchNorm(new Initializer(stream, 1), "bn", 1, epsilon: 0, momentum: 0.5f);
        using var x = DeviceTensor.From<float>(stream, [1, 3], 2, 1);
        var tape = new Tape();
        var y = norm.Forward(tape.Input(x));
        using var training = tape.Compile(stream, y.Multiply(y).Sum(), order: null, y);
        training.Run();
        Assert.Equal([-1, 1], training.Read(y).ToArray<float>(stream)); // mean 2, deviation 1
        // Halfway from 0 to the mean and from 1 to the unbiased variance 2.
        Assert.Equal([1, 1.5f], norm.Buffers.SelectMany(b => b.Tensor.ToArray<float>(stream)));

        norm.Train(false);
        var z = norm.Forward(new Tape().Input(x));
        using var evaluation = TapeProgram.Inference(stream, z);
        evaluation.Run();
        var deviation = Math.Sqrt(1.5);
        Assert.Equal([0, 2 / deviation], evaluation.Read(z).ToArray<float>(stream).Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void AnInferenceHasTheBitsOfTrainingWithFrozenStatisticsAndLeavesNoGarbage()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 3);
        using var model = new FeaturePyramid(init, "fpn", new TinyBackbone(init, new ConvStyle { Normalization = Normalization.FrozenBatch }), 5, ExtraLevels.FromPyramid);
        using var x = init.Uniform(1, 2, 17, 13, 3);
        var tape = new Tape();
        Value[] levels = [.. model.Levels(tape.Input(x))];
        var loss = levels.Select(l => l.Multiply(l).Sum()).Aggregate((a, b) => a.Add(b));
        using var training = tape.Compile(stream, loss, order: null, levels);
        training.Run();

        using var program = TapeProgram.Inference(stream, levels);
        program.Run();
        using var capture = stream.BeginCapture();
        program.Run();
        using var graph = capture.End();
        DeviceTensor[] results = [.. levels.Select(program.Read)];
        for (var i = 0; i < 3; i++) graph.Replay(stream);
        Assert.Equal(0, Garbage.Of(() => graph.Replay(stream)));
        for (var i = 0; i < levels.Length; i++)
            Assert.Equal(training.Read(levels[i]).ToArray<float>(stream), results[i].ToArray<float>(stream));
    }

    // Running statistics that a few training steps have moved; residual sums, gates and several readers of one map.
    [Fact]
    public void AFusedInferenceComputesTheSameInFewerSteps()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 6);
        using var x = init.Uniform(1, 1, 9, 8, 4);
        var (style, gated) = (new ConvStyle(), new ConvStyle { Activation = Activation.HardSwish });
        Check(new Bottleneck(init, "b", 4, 2, 2, style), 12, 4); // three convolutions and the shortcut's
        Check(new BasicBlock(init, "b", 4, 4, 1, style), 7, 2);
        Check(new InvertedResidual(init, "b", 4, 8, 4, 3, 1, 4, gated), 15, 7);
        Check(new ShuffleUnit(init, "b", 4, 4, 1, style), 10, 5);

        void Check(Module module, int plainSteps, int fusedSteps)
        {
            using (module)
            {
                Train(module);
                module.Train(false);
                var y = module.Forward(new Tape().Input(x));
                using TapeProgram plain = TapeProgram.Inference(stream, y), fused = TapeProgram.FusedInference(stream, y);
                plain.Run();
                fused.Run();
                var (expected, actual) = (plain.Read(y).ToArray<float>(stream), fused.Read(y).ToArray<float>(stream));
                for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f * (1 + Math.Abs(expected[i])));
                Assert.Equal((plainSteps, fusedSteps), (plain.ForwardSteps, fused.ForwardSteps));
            }
        }

        void Train(Module module)
        {
            var tape = new Tape();
            using var program = tape.Compile(stream, module.Forward(tape.Input(x)).Mean());
            for (var i = 0; i < 5; i++) program.Run();
        }
    }

    [Fact]
    public void EqualSeedsGiveEqualModelsAndEqualSteps()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Equal(Gradients(7), Gradients(7));
        Assert.NotEqual(Gradients(7), Gradients(8));

        float[] Gradients(long seed)
        {
            var init = new Initializer(stream, seed);
            using var model = new FeaturePyramid(init, "fpn", new TinyBackbone(init, new ConvStyle()), 4);
            using var x = new Initializer(stream, 1).Uniform(1, 2, 9, 9, 3);
            var tape = new Tape();
            var y = model.Levels(tape.Input(x)).Select(l => l.Multiply(l).Mean()).Aggregate((a, b) => a.Add(b));
            using var program = tape.Compile(stream, y);
            program.Run();
            return [.. model.Parameters.SelectMany(p => p.Gradient.ToArray<float>(stream))];
        }
    }

    // Targets that a plain image does not show: the pyramid has to learn them by heart.
    [Fact]
    public void ATinyPyramidLearnsOneBatchByHeart()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 11);
        using var model = new FeaturePyramid(init, "fpn", new TinyBackbone(init, new ConvStyle()), 8);
        using var x = init.Uniform(1, 2, 16, 16, 3);
        var tape = new Tape();
        var targets = new List<DeviceTensor>();
        Value loss = default;
        foreach (var level in model.Levels(tape.Input(x)))
        {
            targets.Add(init.Uniform(1, level.Shape));
            var error = level.Subtract(tape.Input(targets[^1]));
            var part = error.Multiply(error).Mean();
            loss = loss.IsPresent ? loss.Add(part) : part;
        }
        using var optimizer = new Optimizer(stream, new OptimizerOptions { Kind = OptimizerKind.Adam }, [.. model.Parameters]);
        using var program = tape.Compile(stream, loss);
        var losses = new List<float>();
        for (var step = 0; step < 60; step++)
        {
            optimizer.ClearGradients();
            program.Run();
            losses.Add(program.ReadLoss());
            optimizer.Step(0.02f);
        }
        foreach (var target in targets) target.Dispose();
        Assert.True(losses[^1] < 0.25f * losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
    }
}
