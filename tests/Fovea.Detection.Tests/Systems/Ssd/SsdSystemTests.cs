using Fovea.Detection.Systems;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class SsdSystemTests
{
    [Fact]
    public void FullSizeHasItsDefaultBoxes()
    {
        Assert.Equal(4 * 8732, SsdBoxes.Of300.Over(300, [38, 19, 10, 5, 3, 1]).Length);
        using var stream = Device.Cpu.CreateStream();
        using var system = SsdSystem.Of300(Initializer.Undefined(stream), 20);
        var tape = new Tape();
        var rows = system.Detect(tape.Input(new TensorSpec(DType.Float32, 2, 300, 300, 3)));
        Assert.Equal([2L, 200, 6], rows.Shape);
    }

    [Fact]
    public void LearnsWithTheSameBits()
    {
        SystemChecks.AFewStepsLowerTheLoss(SsdSystem.Small);
        SystemChecks.StepsAreEqualBitForBit(SsdSystem.Small);
    }

    [Fact]
    public void AnImageWithoutObjectsTeachesNothing() => SystemChecks.AnEmptyImageHasLossOf(SsdSystem.Small);

    [Fact]
    public void GradientsReachTheBackbone() => SystemChecks.GradientsEqualDifferenceQuotients(
        SsdSystem.Small, "head.classification_head.module_list.0.bias", "head.regression_head.module_list.1.bias", "backbone.layer3.0.conv2.weight");

    // What the targets say, decoded, are the objects.
    [Fact]
    public void TargetsDecodeToTheObjects()
    {
        using var stream = Device.Cpu.CreateStream();
        var anchors = new SsdBoxes([0.2f, 0.4f], [[2]]).Over(64, [8]);
        float[] objects = [3, 5, 20, 17, 30, 31, 47, 60];
        using var boxTensor = DeviceTensor.From<float>(stream, objects, 1, 2, 4);
        using var classTensor = DeviceTensor.From<int>(stream, [1, 0], 1, 2);
        using var anchorTensor = DeviceTensor.From<float>(stream, anchors, anchors.Length / 4, 4);
        var tape = new Tape();
        var targets = new SsdTargetsOperation(2).Record(tape.Input(boxTensor), tape.Input(classTensor), tape.Input(anchorTensor));
        using var truth = TapeProgram.Inference(stream, targets);
        truth.Run();
        var labels = truth.Read(targets[0]).ToArray<int>(stream);
        Assert.Equal(labels.Count(l => l < 2), truth.Read(targets[3]).ToArray<float>(stream)[0]);
        float[] logits = [.. labels.SelectMany(l => Enumerable.Range(0, 3).Select(c => c == l ? 9f : 0))];
        using var logitTensor = DeviceTensor.From<float>(stream, logits, 1, labels.Length, 3);
        var second = new Tape();
        var rows = SsdSystem.Decode(second.Input(logitTensor), second.Input(truth.Read(targets[1])), second.Input(anchorTensor), 64, 10);
        using var program = TapeProgram.Inference(stream, rows);
        program.Run();
        var found = program.Read(rows).ToArray<float>(stream).Chunk(6).Where(r => r[4] > 0.5).OrderBy(r => r[0]).ToArray();
        Assert.Equal([1f, 0f], found.Select(r => r[5]));
        for (var i = 0; i < 8; i++) Assert.Equal(objects[i], found[i / 4][i % 4], 1e-4f);
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        using var net = SsdNet.Of300(init, 20);
        Assert.Throws<ArgumentNullException>(() => new SsdSystem(stream, null!, 300, SsdBoxes.Of300));
        Assert.Throws<ArgumentException>(() => new SsdSystem(stream, net, 300, new SsdBoxes([0.1f, 0.2f], [[2]])));
        Assert.Throws<ArgumentException>(() => SsdBoxes.Of300.Over(300, [38, 19]));
        var tape = new Tape();
        Value Input(params long[] shape) => tape.Input(new TensorSpec(DType.Float32, shape));
        Assert.Throws<ArgumentException>(() => new SsdTargetsOperation(2).Record(Input(1, 2, 4), Input(1, 3), Input(5, 4)));
        Assert.Throws<ArgumentException>(() => new HardNegativesOperation(3).Record(Input(1, 5, 3), tape.Input(new TensorSpec(DType.Int32, 6))));
    }
}
