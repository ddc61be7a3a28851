using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.YoloV1;

public sealed class YoloV1SystemTests
{
    private const int Size = 64;

    private static YoloV1System Make(Initializer init, int imageSize, int classes) => YoloV1System.Small(init, Size, classes);

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(Make);

    [Fact]
    public void AnEmptyImageHasLossOfTheGroundAlone() => SystemChecks.AnEmptyImageHasLossOf(Make, "background");

    [Fact]
    public void NaNIsNotHidden() => SystemChecks.NaNIsNotHidden(Make);

    [Fact]
    public void Learns() => SystemChecks.AFewStepsLowerTheLoss(Make, steps: 20, share: 0.5f);

    // What the targets say, said by the network: the scene's objects, each once.
    [Fact]
    public void DecodingReversesTheTargets()
    {
        const int size = 96, side = 6;
        using var stream = Device.Cpu.CreateStream();
        using var system = YoloV1System.Small(Initializer.Undefined(stream), size, 3);
        var scenes = new SceneGenerator(new SceneOptions { Width = size, Height = size, MaxOverlap = 0 }, seed: 9, count: 4);
        LabelledImage[] images = [.. Enumerable.Range(0, 4).Select(i => scenes.Load(i))];
        using var batch = new DetectionBatch(stream, images.Length, size, places: 8);
        batch.Fill(images);
        var tape = new Tape();
        var targets = batch.Targets(tape);
        var silent = new float[images.Length * side * side * 2 * 4];
        using var nothing = DeviceTensor.From<float>(stream, silent, images.Length, side * side * 2, 4);
        var truth = new YoloV1TargetsOperation(side, 2, 3, size, Rescores: false).Record(targets.Boxes, targets.Classes, tape.Input(nothing));
        var rows = system.Decode(new YoloV1Outputs(truth[0], truth[3], truth[4]));
        using var program = TapeProgram.Inference(stream, rows);
        program.Run();
        var found = MemoryMarshal.Cast<float, ObjectDetection>(program.Read(rows).ToArray<float>(stream)).ToArray();
        for (var i = 0; i < images.Length; i++)
        {
            ObjectDetection[] mine = [.. found[(i * system.MaxDetections)..((i + 1) * system.MaxDetections)].TakeWhile(d => d.Score > 0)];
            Assert.Equal(images[i].Objects.Count, mine.Length);
            foreach (var o in images[i].Objects)
            {
                var d = Assert.Single(mine, d => d.Class == o.Class && Math.Abs(d.X1 - o.X1) + Math.Abs(d.Y2 - o.Y2) < 1e-3);
                Assert.Equal(o.X2, d.X2, 1e-4);
                Assert.Equal(o.Y1, d.Y1, 1e-4);
                Assert.Equal(1, d.Score);
            }
        }
    }

    [Fact]
    public void PredictionsOfAnotherGridAreRefused()
    {
        var tape = new Tape();
        var boxes = tape.Input(new TensorSpec(DType.Float32, 2, 5, 4));
        var labels = tape.Input(new TensorSpec(DType.Int32, 2, 5));
        var predicted = tape.Input(new TensorSpec(DType.Float32, 2, 9, 4));
        var error = Assert.Throws<ArgumentException>(() => new YoloV1TargetsOperation(2, 2, 3, 64, Rescores: true).Record(boxes, labels, predicted));
        Assert.Contains("yolo_v1_targets", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => YoloV1System.Small(null!, 64, 3));
        Assert.Throws<ArgumentNullException>(() => new YoloV1System(null!, null!, 64));
    }
}
