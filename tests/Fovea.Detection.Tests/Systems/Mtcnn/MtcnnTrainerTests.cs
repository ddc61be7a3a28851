using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Mtcnn;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class MtcnnTrainerTests
{
    private static readonly SceneOptions Faces = new()
    {
        Width = 64,
        Height = 64,
        Shapes = [SceneShape.Face, SceneShape.Square],
        MinSize = 20,
        MaxSize = 40,
        MaxOverlap = 0,
        MinVisible = 1,
        HasMasks = false,
    };

    private static readonly MtcnnTrainingOptions Short = new() { BatchSize = 12, ProposalSteps = 80, RefinementSteps = 24, OutputSteps = 40, LearningRate = 2e-3f };

    // Every network learns; the cascade runs in a session, from memory and from a file alike; a second run gives the same bits.
    [Fact]
    public void TrainsACascadeThatTheSessionRuns()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("fovea").FullName, "mtcnn.safetensors");
        var first = Train(path);
        foreach (var stage in Enum.GetValues<MtcnnStage>())
        {
            var losses = first.Losses.Where(l => l.Stage == stage).Select(l => l.Loss).ToArray();
            Assert.True(losses[^4..].Average() < 0.9 * losses[..4].Average(), $"{stage}: {string.Join(' ', losses)}");
        }
        using var model = MtcnnModel.Load(Device.Cpu, path);
        Assert.Equal(first.Result.Stages, Evaluate(model).Stages);
        Assert.Equal(first.Result with { Stages = [] }, Evaluate(model) with { Stages = [] });
        // Every window of all levels in three images, but those on faces.
        Assert.True(first.Result.Stages[0].Seen > 500);
        Assert.Equal(first.Result.Stages[0].Passed, first.Result.Stages[1].Seen);
        Assert.Equal(first.Losses, Train(path).Losses);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void ImagesThatCannotBeLearnedAreNamed()
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = new MtcnnNets(new Initializer(stream, 1));
        Assert.Throws<ArgumentException>(() => new MtcnnTrainer(stream, nets, new SceneGenerator(Faces, 1, 0)));
        // No object has the class that is to be learned.
        using var trainer = new MtcnnTrainer(stream, nets, new SceneGenerator(Faces, 1, 2), Short with { FaceClass = 7 });
        Assert.Contains("no window of 2 images shows a face", Assert.Throws<InvalidDataException>(() => trainer.Train(MtcnnStage.Proposal)).Message, StringComparison.Ordinal);
    }

    private static (List<(MtcnnStage Stage, float Loss)> Losses, MtcnnEvaluation Result) Train(string path)
    {
        using var stream = Device.Cpu.CreateStream();
        using var nets = new MtcnnNets(new Initializer(stream, 3));
        using var trainer = new MtcnnTrainer(stream, nets, new SceneGenerator(Faces, 1, 4), Short);
        var losses = new List<(MtcnnStage, float)>();
        trainer.Train((stage, step) => losses.Add((stage, step.Loss)));
        nets.Save(path);
        using var model = MtcnnModel.From(Device.Cpu, nets);
        return (losses, Evaluate(model));
    }

    private static MtcnnEvaluation Evaluate(MtcnnModel model) => MtcnnEvaluation.Of(model, new SceneGenerator(Faces, 1, 4), 0, 3);
}
