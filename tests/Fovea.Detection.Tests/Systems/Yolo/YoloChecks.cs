using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;
using Fovea.Training.Planning;

namespace Fovea.Detection.Tests.Systems;

/// <summary>What every YOLO must do, on two scenes of 64 pixels.</summary>
internal static class YoloChecks
{
    public const int Size = 64;

    public static LabelledImage[] Scenes()
    {
        var scenes = new SceneGenerator(new SceneOptions { Width = Size, Height = Size, MinObjects = 2, MaxSize = 32 }, seed: 5, count: 2);
        return [scenes.Load(0), scenes.Load(1)];
    }

    /// <summary>Equal seeds give equal bits of loss and gradients, and so does a step that computes its activations again.</summary>
    public static void GivesEqualBits(Func<Initializer, DetectionSystem> make)
    {
        var (first, second, checkpointed) = (Step(make, checkpoints: false), Step(make, checkpoints: false), Step(make, checkpoints: true));
        Assert.Equal(first, second);
        Assert.Equal(first, checkpointed);
    }

    /// <summary>Without objects, boxes cost nothing, and everything is finite; with a pixel that is no number, so is the loss.</summary>
    public static void SurvivesEmptyScenesAndTellsOfNaN(Func<Initializer, DetectionSystem> make)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = make(new Initializer(stream, 7));
        using var batch = new DetectionBatch(stream, 2, Size, places: 4);
        batch.Fill([.. Scenes().Select(s => s with { Objects = [] })]);
        var tape = new Tape();
        var images = batch.Images(tape);
        var loss = system.Loss(images, batch.Targets(tape));
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();
        Assert.True(float.IsFinite(program.ReadLoss()));
        Assert.Equal(0, program.Read(loss.Parts.Single(p => p.Name == "boxes").Loss).ToArray<float>(stream)[0]);
        Assert.All(system.Parameters, p => Assert.DoesNotContain(p.Gradient.ToArray<float>(stream), g => !float.IsFinite(g)));
        using var broken = DeviceTensor.Allocate(stream, DType.Float32, 2, Size, Size, 3);
        broken.Fill(stream, 0);
        Kernels.Affine(stream, 1, float.NaN, broken, broken);
        program.Bind(images, broken);
        program.Run();
        Assert.True(float.IsNaN(program.ReadLoss()));
    }

    /// <summary>A few steps on the two scenes lower the loss to the given share.</summary>
    public static void Learns(Func<Initializer, DetectionSystem> make, int steps, float share, float rate = 2e-3f)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = make(new Initializer(stream, 7));
        var scenes = new SceneGenerator(new SceneOptions { Width = Size, Height = Size, MinObjects = 2, MaxSize = 32 }, seed: 5, count: 2);
        using var trainer = new DetectorTrainer(stream, system, scenes, new DetectorTrainingOptions { BatchSize = 2, Steps = steps, LearningRate = rate });
        var losses = Enumerable.Range(0, steps).Select(_ => trainer.Train().Loss).ToArray();
        Assert.All(losses, loss => Assert.True(float.IsFinite(loss)));
        Assert.True(losses[^1] < share * losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
    }

    private static byte[] Step(Func<Initializer, DetectionSystem> make, bool checkpoints)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = make(new Initializer(stream, 7));
        using var batch = new DetectionBatch(stream, 2, Size, places: 4);
        batch.Fill(Scenes());
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape)).Total;
        using var plain = tape.Compile(stream, loss);
        plain.Run();
        if (!checkpoints) return Bits(plain);
        var chain = TapeChain.Of(plain, plain.Profile(runs: 1));
        foreach (var parameter in system.Parameters) parameter.ClearGradient();
        using var program = tape.Compile(stream, loss, chain.Order(SegmentPlanner.Uniform(chain.Chain)));
        Assert.True(program.RecomputedSteps > 0);
        program.Run();
        return Bits(program);

        byte[] Bits(TapeProgram ran) =>
            [.. BitConverter.GetBytes(ran.ReadLoss()), .. system.Parameters.SelectMany(p => MemoryMarshal.AsBytes(p.Gradient.ToArray<float>(stream).AsSpan()).ToArray())];
    }
}
