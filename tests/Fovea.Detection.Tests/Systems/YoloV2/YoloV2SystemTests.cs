using System.Runtime.InteropServices;
using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.YoloV2;

public sealed class YoloV2SystemTests
{
    private const int Size = 64;

    private static YoloV2System Make(Initializer init, int imageSize, int classes) => YoloV2System.Small(init, Size, classes);

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(Make);

    [Fact]
    public void AnEmptyImageHasLossOfTheGroundAlone() => SystemChecks.AnEmptyImageHasLossOf(Make, "ground");

    [Fact]
    public void NaNIsNotHidden() => SystemChecks.NaNIsNotHidden(Make);

    [Fact]
    public void Learns() => SystemChecks.AFewStepsLowerTheLoss(Make, steps: 20, share: 0.5f);

    // Two objects of different shapes in one cell, both of which YOLO v1 could not say; and one with a share of the image.
    [Fact]
    public void DecodingReversesTheCode()
    {
        const int size = 64, rows = 4 * 4 * 5;
        using var stream = Device.Cpu.CreateStream();
        using var system = YoloV2System.Small(Initializer.Undefined(stream), size, 3);
        var targets = new YoloV2TargetsOperation(4, size, 3, [.. YoloV2System.SceneAnchors]);
        float[][] boxes = [[2, 3, 24, 18], [8, 1, 22, 25], [10, 12, 58, 60]];
        var (classes, objectness, codes) = (new float[rows * 3], new float[rows], new float[rows * 4]);
        Array.Fill(objectness, -20);
        for (var m = 0; m < boxes.Length; m++)
        {
            var row = targets.Row(boxes[m]);
            Assert.Equal(-20, objectness[row]);
            objectness[row] = 20;
            classes[3 * row + m] = 30;
            var code = codes.AsSpan(4 * row, 4);
            targets.Encode(boxes[m], row, code);
            // The network's numbers stand in front of the sigmoid.
            for (var i = 0; i < 2; i++) code[i] = MathF.Log(code[i] / (1 - code[i]));
        }
        using var classTensor = DeviceTensor.From<float>(stream, classes, 1, rows, 3);
        using var objectTensor = DeviceTensor.From<float>(stream, objectness, 1, rows, 1);
        using var codeTensor = DeviceTensor.From<float>(stream, codes, 1, rows, 4);
        var tape = new Tape();
        var result = system.Decode(tape.Input(classTensor), tape.Input(objectTensor), tape.Input(codeTensor));
        using var program = TapeProgram.Inference(stream, result);
        program.Run();
        ObjectDetection[] found = [.. MemoryMarshal.Cast<float, ObjectDetection>(program.Read(result).ToArray<float>(stream)).ToArray().TakeWhile(d => d.Score > 0).OrderBy(d => d.Class)];
        Assert.Equal(3, found.Length);
        for (var m = 0; m < boxes.Length; m++)
        {
            Assert.Equal(m, found[m].Class);
            Assert.Equal(1, found[m].Score, 1e-5);
            float[] actual = [found[m].X1, found[m].Y1, found[m].X2, found[m].Y2];
            for (var i = 0; i < 4; i++) Assert.Equal(boxes[m][i], actual[i], 1e-3);
        }
        Assert.Equal(-1, targets.Row([5, 5, 5, 9]));
    }

    [Fact]
    public void SizesAndPredictionsThatDoNotFitAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV2Net.Compact(Initializer.Undefined(stream), [(10, 10)], 3);
        Assert.Throws<ArgumentException>(() => new YoloV2System(stream, net, 40));
        Assert.Throws<ArgumentNullException>(() => new YoloV2System(stream, null!, 64));
        Assert.Throws<ArgumentNullException>(() => YoloV2System.Small(null!, 64, 3));
        var tape = new Tape();
        var boxes = tape.Input(new TensorSpec(DType.Float32, 2, 5, 4));
        var labels = tape.Input(new TensorSpec(DType.Int32, 2, 5));
        var error = Assert.Throws<ArgumentException>(() => new YoloV2TargetsOperation(4, 64, 3, [(10, 10)]).Record(boxes, labels, tape.Input(new TensorSpec(DType.Float32, 2, 17, 4))));
        Assert.Contains("yolo_v2_targets", error.Message, StringComparison.Ordinal);
    }
}
