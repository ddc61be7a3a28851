using System.Runtime.InteropServices;
using Fovea.Detection.Systems;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Yolox;

public sealed class YoloxSystemTests
{
    private const int Size = 64;

    // An eighth of the channels: the same layers in less time.
    private static YoloxSystem Make(Initializer init, int imageSize, int classes) =>
        new(init.Stream, new YoloxNet(init, 0.33, 0.125, classes, isSeparable: true, Normalization.Group), Size);

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(Make);

    [Fact]
    public void AnEmptyImageHasLossOfTheGroundAlone() => SystemChecks.AnEmptyImageHasLossOf(Make, "objectness");

    [Fact]
    public void NaNIsNotHidden() => SystemChecks.NaNIsNotHidden(Make);

    [Fact]
    public void Learns() => SystemChecks.AFewStepsLowerTheLoss(Make, steps: 20, rate: 1e-2f, share: 0.9f);

    // Every cell of 8, 16 and 32 pixels says the same box of its own place.
    [Fact]
    public void DecodingReversesTheCode()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = YoloxSystem.Small(Initializer.Undefined(stream), 64, 3);
        float[] box = [10, 20, 50, 33];
        float[][] cells = [[1, 3, 8], [2, 1, 16], [0, 1, 32]];
        var starts = new[] { 0, 64, 80 };
        for (var k = 0; k < 3; k++)
        {
            var (classes, objectness, codes) = (new float[84 * 3], new float[84], new float[84 * 4]);
            Array.Fill(objectness, -20);
            var at = starts[k] + (int)(cells[k][1] * (64 / cells[k][2]) + cells[k][0]);
            objectness[at] = 20;
            classes[3 * at + 1] = 20;
            YoloxTargetsOperation.Encode(box, cells[k], codes.AsSpan(4 * at, 4));
            using var classTensor = DeviceTensor.From<float>(stream, classes, 1, 84, 3);
            using var objectTensor = DeviceTensor.From<float>(stream, objectness, 1, 84, 1);
            using var codeTensor = DeviceTensor.From<float>(stream, codes, 1, 84, 4);
            var tape = new Tape();
            var rows = system.Decode(tape.Input(classTensor), tape.Input(objectTensor), tape.Input(codeTensor));
            using var program = TapeProgram.Inference(stream, rows);
            program.Run();
            var found = MemoryMarshal.Cast<float, ObjectDetection>(program.Read(rows).ToArray<float>(stream));
            Assert.Equal(1, found[0].Score, 1e-5);
            Assert.Equal(0, found[1].Score);
            Assert.Equal(1, found[0].Class);
            Assert.Equal(10, found[0].X1, 1e-4);
            Assert.Equal(20, found[0].Y1, 1e-4);
            Assert.Equal(50, found[0].X2, 1e-4);
            Assert.Equal(33, found[0].Y2, 1e-4);
        }
    }

    [Fact]
    public void SizesAndPredictionsThatDoNotFitAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloxNet.Nano(Initializer.Undefined(stream), 3);
        Assert.Throws<ArgumentException>(() => new YoloxSystem(stream, net, 48));
        Assert.Throws<ArgumentNullException>(() => new YoloxSystem(stream, null!, 64));
        Assert.Throws<ArgumentNullException>(() => YoloxSystem.Small(null!, 64, 3));
        var tape = new Tape();
        Value Of(params ReadOnlySpan<long> shape) => tape.Input(new TensorSpec(DType.Float32, shape));
        var error = Assert.Throws<ArgumentException>(() => new YoloxTargetsOperation().Record(
            Of(2, 5, 4), tape.Input(new TensorSpec(DType.Int32, 2, 5)), Of(2, 21, 3), Of(2, 21, 1), Of(2, 20, 4), Of(21, 3)));
        Assert.Contains("yolox_targets", error.Message, StringComparison.Ordinal);
    }
}
