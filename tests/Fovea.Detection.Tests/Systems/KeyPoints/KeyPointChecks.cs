using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>What has to hold for every detector of key points as a whole.</summary>
internal static class KeyPointChecks
{
    private const int Steps = 12;

    private static readonly SceneOptions Scenes = new() { Width = 32, Height = 32, MinSize = 8, MaxSize = 16 };

    /// <summary>A few steps lower the loss, twice to the same bits.</summary>
    public static void Learns(Func<Initializer, DetectionSystem> create)
    {
        var first = Losses();
        Assert.True(first[^1] < 0.7 * first[0], string.Join(' ', first));
        Assert.Equal(first, Losses());

        float[] Losses()
        {
            using var stream = Device.Cpu.CreateStream();
            using var system = create(new Initializer(stream, 3));
            using var trainer = new DetectorTrainer(stream, system, new SceneGenerator(Scenes, 5, 2), new DetectorTrainingOptions { BatchSize = 2, Steps = Steps, Places = 4, LearningRate = 0.02f });
            return [.. Enumerable.Range(0, Steps).Select(_ => trainer.Train().Loss)];
        }
    }

    /// <summary>The step has the same loss and gradients when everything between input and loss is computed again for backward.</summary>
    public static void IsTheSameCheckpointed(Func<Initializer, DetectionSystem> create)
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
            // Something has to follow: a segment at the very end has just run when its backward pass begins.
            using var program = tape.Compile(stream, loss.Affine(2));
            program.Run();
            if (isCheckpointed) Assert.True(program.RecomputedSteps > 0);
            return [program.ReadLoss(), .. system.Parameters.SelectMany(p => p.Gradient.ToArray<float>(stream))];
        }
    }

    /// <summary>Detections are on the image, of known classes, best first, and the same every time.</summary>
    public static void DetectsInOrder(Func<Initializer, DetectionSystem> create)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = create(new Initializer(stream, 3));
        using var evaluation = new DetectorEvaluation(stream, system, batchSize: 2);
        var scenes = new SceneGenerator(Scenes, 5, 2);
        LabelledImage[] images = [scenes.Load(0), scenes.Load(1)];
        var found = evaluation.Detect(images);
        Assert.All(found, rows =>
        {
            Assert.NotEmpty(rows);
            Assert.Equal(rows.Select(d => d.Score).OrderDescending(), rows.Select(d => d.Score));
            Assert.All(rows, d => Assert.True(d.X1 >= 0 && d.Y1 >= 0 && d.X2 <= 32 && d.Y2 <= 32 && d.Class >= 0 && d.Class < system.ClassCount && d.Score <= 1));
        });
        Assert.Equal(found[0], evaluation.Detect(images)[0]);
    }

    /// <summary>Images without objects have a finite loss, of which only the named parts are not 0.</summary>
    public static void HasNoRegressionWithoutObjects(Func<Initializer, DetectionSystem> create, params string[] others)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = create(new Initializer(stream, 3));
        using var batch = new DetectionBatch(stream, 2, 32, 3);
        batch.Fill([]);
        var tape = new Tape();
        var loss = system.Loss(batch.Images(tape), batch.Targets(tape));
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();
        foreach (var (name, part) in loss.Parts)
        {
            var value = program.Read(part).ToArray<float>(stream)[0];
            if (others.Contains(name)) Assert.True(float.IsFinite(value) && value > 0, name);
            else Assert.Equal(0, value);
        }
        Assert.All(system.Parameters, p => Assert.All(p.Gradient.ToArray<float>(stream), g => Assert.True(float.IsFinite(g))));
    }
}
