using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class YoloV2NetTests
{
    // yolov2.weights has 203,934,260 bytes: four integers, then 4 bytes for each parameter and each running statistic.
    [Fact]
    public void TheFullNetworkHasAsManyNumbersAsItsPublishedFile()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV2Net.Full(Initializer.Undefined(stream));
        var parameters = net.Parameters.Sum(p => p.Spec.ElementCount);
        Assert.Equal(50_962_889, parameters);
        Assert.Equal(203_934_260, 16 + 4 * (parameters + net.Buffers.Sum(b => b.Tensor.ElementCount)));
        var image = new Tape().Input(new TensorSpec(DType.Float32, 1, 416, 416, 3));
        Assert.Equal([1L, 13, 13, 425], net.Forward(image).Shape);
        Assert.Equal(32, net.Stride);
    }

    [Fact]
    public void OutputsAreRowsOfAnchors()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloV2Net.Compact(Initializer.Undefined(stream), [(20, 10), (10, 20), (30, 30)], 4);
        var (classes, objectness, boxes) = net.Outputs(new Tape().Input(new TensorSpec(DType.Float32, 2, 64, 64, 3)));
        Assert.Equal([2L, 48, 4], classes.Shape);
        Assert.Equal([2L, 48, 1], objectness.Shape);
        Assert.Equal([2L, 48, 4], boxes.Shape);
        Assert.Throws<ArgumentNullException>(() => YoloV2Net.Compact(Initializer.Undefined(stream), null!, 4));
    }
}
