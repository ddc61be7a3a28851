using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class FasterRcnnSystemTests
{
    private static readonly SceneOptions Scenes = new() { Width = 32, Height = 32, MinSize = 10, MaxSize = 20 };

    [Fact]
    public void LearnsWithTheSameBits()
    {
        SystemChecks.AFewStepsLowerTheLoss(FasterRcnnSystem.Small);
        SystemChecks.StepsAreEqualBitForBit(FasterRcnnSystem.Small);
    }

    [Fact]
    public void ImagesWithoutObjectsTeachTheGroundAlone() => SystemChecks.AnEmptyImageHasLossOf(FasterRcnnSystem.Small, "objectness", "classes");

    // Of the second stage: what the first one says decides by comparisons which regions there are.
    [Fact]
    public void GradientsEqualDifferenceQuotients() => SystemChecks.GradientsEqualDifferenceQuotients(
        FasterRcnnSystem.Small, "roi_heads.box_head.fc7.weight", "roi_heads.box_predictor.cls_score.bias", "roi_heads.box_predictor.bbox_pred.bias");

    [Fact]
    public void AResumedRunSamplesTheSame()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var losses = Run(4, null, null);
            Assert.Equal(losses[..2], Run(2, null, path));
            Assert.Equal(losses[2..], Run(2, path, null));
        }
        finally
        {
            File.Delete(path);
        }

        static float[] Run(int steps, string? resumed, string? saved)
        {
            using var stream = Device.Cpu.CreateStream();
            using var system = FasterRcnnSystem.Small(new Initializer(stream, 3), 32, 3);
            var options = new DetectorTrainingOptions { BatchSize = 2, Steps = 4, Places = 4 };
            using var trainer = new DetectorTrainer(stream, system, new SceneGenerator(Scenes, 5, 2), options);
            if (resumed is not null) trainer.Resume(resumed);
            float[] losses = [.. Enumerable.Range(0, steps).Select(_ => trainer.Train().Loss)];
            if (saved is not null) trainer.Save(saved);
            return losses;
        }
    }

    // All sizes are capacities, so detection has no wait in it and can be captured.
    [Fact]
    public void DetectionIsCaptured()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = FasterRcnnSystem.Small(new Initializer(stream, 3), 32, 3);
        using var batch = new DetectionBatch(stream, 2, 32, 4);
        var scenes = new SceneGenerator(Scenes, 5, 2);
        batch.Fill([scenes.Load(0), scenes.Load(1)]);
        system.Train(false);
        var tape = new Tape();
        var rows = system.Detect(batch.Images(tape));
        Assert.Equal([2L, 100, 6], rows.Shape);
        using var program = TapeProgram.FusedInference(stream, rows);
        program.Run();
        var expected = program.Read(rows).ToArray<float>(stream);
        using var capture = stream.BeginCapture();
        program.Run();
        using var graph = capture.End();
        var result = program.Read(rows);
        result.Fill(stream, 0xFF);
        graph.Replay(stream);
        Assert.Equal(expected, result.ToArray<float>(stream));
        Assert.Contains(expected, x => x > 0);
    }

    [Fact]
    public void FullSizeIsRecorded()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = new FasterRcnnSystem(stream, FasterRcnnNet.Of50(Initializer.Undefined(stream)), 320);
        var tape = new Tape();
        var images = tape.Input(new TensorSpec(DType.Float32, 2, 320, 320, 3));
        Assert.Equal([2L, 100, 6], system.Detect(images).Shape);
        var loss = system.Loss(images, new DetectionTargets(tape.Input(new TensorSpec(DType.Float32, 2, 9, 4)), tape.Input(new TensorSpec(DType.Int32, 2, 9))));
        Assert.Equal(["objectness", "proposals", "classes", "boxes"], loss.Parts.Select(p => p.Name));
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Throws<ArgumentNullException>(() => new FasterRcnnSystem(stream, null!, 320));
        using var net = FasterRcnnNet.Of50(Initializer.Undefined(stream));
        Assert.Throws<ArgumentException>(() => new FasterRcnnSystem(stream, net, 320, new FasterRcnnOptions { AnchorSides = [32] }));
        Assert.Throws<ArgumentException>(() => new FasterRcnnSystem(stream, net, 320, new FasterRcnnOptions { Ratios = [1] }));
    }
}
