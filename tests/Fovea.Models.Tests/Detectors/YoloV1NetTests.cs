using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class YoloV1NetTests
{
    [Fact]
    public void ThePapersNetworkHasItsParametersAndOutputs()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV1Net.Paper(Initializer.Undefined(stream));
        Assert.Equal(271_703_550, net.Parameters.Sum(p => p.Spec.ElementCount));
        var tape = new Tape();
        var (classes, confidences, boxes) = net.Outputs(tape.Input(new TensorSpec(DType.Float32, 1, 448, 448, 3)));
        Assert.Equal([1L, 49, 20], classes.Shape);
        Assert.Equal([1L, 98, 1], confidences.Shape);
        Assert.Equal([1L, 98, 4], boxes.Shape);
        // The convolutions' and those of the two dense layers.
        Assert.Equal(20_073_611_264 + 50_176L * 4096 + 4096L * 1470, tape.MultiplyAdds);
    }

    [Fact]
    public void TheConfigurationHasItsParametersAndOutputs()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV1Net.Configuration(Initializer.Undefined(stream));
        Assert.Equal(197_301_875, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal(115_618_048, net.Parameters.Where(p => p.Name.StartsWith("local", StringComparison.Ordinal)).Sum(p => p.Spec.ElementCount));
        var image = new Tape().Input(new TensorSpec(DType.Float32, 2, 448, 448, 3));
        Assert.Equal([2L, 1715], net.Forward(image).Shape);
        Assert.Equal([2L, 147, 4], net.Outputs(image).Boxes.Shape);
    }

    [Fact]
    public void TheCompactNetworkHasACellForEverySixteenPixels()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV1Net.Compact(Initializer.Undefined(stream), 96, 3);
        var (classes, confidences, boxes) = net.Outputs(new Tape().Input(new TensorSpec(DType.Float32, 2, 96, 96, 3)));
        Assert.Equal([2L, 36, 3], classes.Shape);
        Assert.Equal([2L, 72, 1], confidences.Shape);
        Assert.Equal([2L, 72, 4], boxes.Shape);
        Assert.Throws<ArgumentException>(() => YoloV1Net.Compact(Initializer.Undefined(stream), 40, 3));
    }

    // Numbers that say where they belong: 1000 * kind + 100 * cell + 10 * box + part.
    [Theory]
    [InlineData(YoloV1Layout.Vector)]
    [InlineData(YoloV1Layout.PerCell)]
    public void BothLayoutsAreTakenApart(YoloV1Layout layout)
    {
        const int side = 2, boxes = 2, classes = 3;
        var raw = new List<float>();
        if (layout == YoloV1Layout.Vector)
        {
            for (var cell = 0; cell < 4; cell++)
                for (var c = 0; c < classes; c++) raw.Add(100 * cell + c);
            for (var cell = 0; cell < 4; cell++)
                for (var b = 0; b < boxes; b++) raw.Add(1000 + 100 * cell + 10 * b);
            for (var cell = 0; cell < 4; cell++)
                for (var b = 0; b < boxes; b++)
                    for (var i = 0; i < 4; i++) raw.Add(2000 + 100 * cell + 10 * b + i);
        }
        else
        {
            for (var cell = 0; cell < 4; cell++)
            {
                for (var b = 0; b < boxes; b++)
                {
                    for (var i = 0; i < 4; i++) raw.Add(2000 + 100 * cell + 10 * b + i);
                    raw.Add(1000 + 100 * cell + 10 * b);
                }
                for (var c = 0; c < classes; c++) raw.Add(100 * cell + c);
            }
        }
        using var stream = Device.Cpu.CreateStream();
        using var tensor = DeviceTensor.From<float>(stream, raw.ToArray(), 1, raw.Count);
        var tape = new Tape();
        var (classValue, confidenceValue, boxValue) = YoloV1Outputs.Split(tape.Input(tensor), layout, side, boxes, classes);
        using var program = TapeProgram.Inference(stream, classValue, confidenceValue, boxValue);
        program.Run();
        Assert.Equal([0f, 1, 2, 100, 101, 102, 200, 201, 202, 300, 301, 302], program.Read(classValue).ToArray<float>(stream));
        Assert.Equal([1000f, 1010, 1100, 1110, 1200, 1210, 1300, 1310], program.Read(confidenceValue).ToArray<float>(stream));
        Assert.Equal([2310f, 2311, 2312, 2313], program.Read(boxValue).ToArray<float>(stream)[^4..]);
        Assert.Equal([2000f, 2001, 2002, 2003, 2010], program.Read(boxValue).ToArray<float>(stream)[..5]);
        Assert.Throws<ArgumentException>(() => YoloV1Outputs.Split(tape.Input(tensor), layout, side, boxes, classes + 1));
    }
}
