using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class FasterRcnnSystemTests
{
    private static FasterRcnnSystem Tiny(Initializer init) => FasterRcnnSystem.Small(init, 32, 3);

    [Fact]
    public void Learns() => StepChecks.Learns(Tiny);

    [Fact]
    public void IsEqualWhenCheckpointed() => StepChecks.IsEqualWhenCheckpointed(Tiny);

    [Fact]
    public void ImagesWithoutObjectsTeachTheGroundAlone()
    {
        var parts = StepChecks.PartsWithoutObjects(Tiny);
        Assert.Equal(0, parts["proposals"]);
        Assert.Equal(0, parts["boxes"]);
        Assert.True(parts["objectness"] > 0 && parts["classes"] > 0);
    }

    // All sizes are capacities, so detection has no wait in it and can be captured.
    [Fact]
    public void DetectionIsCaptured()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 3));
        using var batch = new DetectionBatch(stream, 2, 32, 4);
        var scenes = new SceneGenerator(new SceneOptions { Width = 32, Height = 32, MinSize = 10, MaxSize = 20 }, 5, 2);
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
