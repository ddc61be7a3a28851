using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class FasterRcnnNetTests
{
    [Fact]
    public void HasItsPublishedNumberOfParameters()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = FasterRcnnNet.Of50(Initializer.Undefined(stream));
        long Count(string prefix) => net.Parameters.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal)).Sum(p => p.Spec.ElementCount);
        Assert.Equal(23_454_912, Count("backbone.body."));
        Assert.Equal(3_344_384, Count("backbone.fpn."));
        Assert.Equal(593_935, Count("rpn."));
        Assert.Equal(14_362_055, Count("roi_heads."));
        Assert.Equal(41_755_286, Count(""));
    }

    [Fact]
    public void HasItsAnchorsAndColumns()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = FasterRcnnNet.Of50(Initializer.Undefined(stream));
        var tape = new Tape();
        var levels = net.Levels(tape.Input(new TensorSpec(DType.Float32, 1, 800, 1344, 3)));
        var (objectness, deltas) = net.Proposals(levels);
        Assert.Equal([1L, 268_569, 1], objectness.Shape);
        Assert.Equal([1L, 268_569, 4], deltas.Shape);
        var (classes, boxes) = net.Regions(tape.Input(new TensorSpec(DType.Float32, 512, 7, 7, 256)));
        Assert.Equal([512L, 91], classes.Shape);
        Assert.Equal([512L, 364], boxes.Shape);
    }
}
