using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>What holds for a training step of every detector.</summary>
internal static class StepChecks
{
    private const int Steps = 8;

    private static readonly SceneOptions Scenes = new() { Width = 32, Height = 32, MinSize = 10, MaxSize = 20 };

    /// <summary>A few steps on two scenes lower the loss; a second run, and one that was saved and resumed half-way, have the same
    /// bits.</summary>
    public static void Learns(Func<Initializer, DetectionSystem> create)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var losses = Run(null, Steps, null);
            Assert.True(losses[^1] < 0.8 * losses[0], string.Join(' ', losses));
            Assert.Equal(losses[..(Steps / 2)], Run(null, Steps / 2, path));
            Assert.Equal(losses[(Steps / 2)..], Run(path, Steps / 2, null));
        }
        finally
        {
            File.Delete(path);
        }

        float[] Run(string? resumed, int steps, string? saved)
        {
            using var stream = Device.Cpu.CreateStream();
            using var system = create(new Initializer(stream, 3));
            var options = new DetectorTrainingOptions { BatchSize = 2, Steps = Steps, Places = 4 };
            using var trainer = new DetectorTrainer(stream, system, new SceneGenerator(Scenes, 5, 2), options);
            if (resumed is not null) trainer.Resume(resumed);
            float[] losses = [.. Enumerable.Range(0, steps).Select(_ => trainer.Train().Loss)];
            if (saved is not null) trainer.Save(saved);
            return losses;
        }
    }

    /// <summary>Loss and gradients keep their bits when everything between input and loss is computed again for backward.</summary>
    public static void IsEqualWhenCheckpointed(Func<Initializer, DetectionSystem> create)
    {
        Assert.Equal(Gradients(isCheckpointed: false), Gradients(isCheckpointed: true));

        float[] Gradients(bool isCheckpointed)
        {
            using var stream = Device.Cpu.CreateStream();
            using var system = create(new Initializer(stream, 3));
            using var batch = new DetectionBatch(stream, 2, 32, 4);
            var scenes = new SceneGenerator(Scenes, 5, 2);
            batch.Fill([scenes.Load(0), scenes.Load(1)]);
            var tape = new Tape();
            var (images, targets) = (batch.Images(tape), batch.Targets(tape));
            var loss = isCheckpointed ? Checkpoint.Run(tape, () => system.Loss(images, targets).Total) : system.Loss(images, targets).Total;
            // One operation behind the segment: a segment that has just run is not run again.
            using var program = tape.Compile(stream, loss.Affine(1));
            program.SetRandomState(3, 1L << 32);
            program.Run();
            Assert.Equal(isCheckpointed, program.RecomputedSteps > 0);
            return [program.ReadLoss(), .. system.Parameters.SelectMany(p => p.Gradient.ToArray<float>(stream))];
        }
    }

    /// <summary>The parts of the loss of images without objects, by name. Gradients are finite.</summary>
    public static Dictionary<string, float> PartsWithoutObjects(Func<Initializer, DetectionSystem> create)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = create(new Initializer(stream, 3));
        using var batch = new DetectionBatch(stream, 2, 32, 3);
        batch.Fill([]);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape));
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();
        Assert.All(system.Parameters, p => Assert.All(p.Gradient.ToArray<float>(stream), g => Assert.True(float.IsFinite(g))));
        return loss.Parts.ToDictionary(p => p.Name, p => program.Read(p.Loss).ToArray<float>(stream)[0]);
    }
}
