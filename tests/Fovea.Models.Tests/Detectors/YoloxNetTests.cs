using Fovea.Data;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class YoloxNetTests
{
    // The table of the publication, in millions: 0.91, 5.06, 9.0, 25.3, 54.2, 99.1. The numbers themselves follow from the architecture.
    private static readonly Dictionary<string, (long Parameters, Func<Initializer, YoloxNet> Make)> Published = new()
    {
        ["nano"] = (912_159, init => YoloxNet.Nano(init)),
        ["tiny"] = (5_055_855, init => YoloxNet.Tiny(init)),
        ["S"] = (8_968_255, init => YoloxNet.S(init)),
        ["M"] = (25_326_495, init => YoloxNet.M(init)),
        ["L"] = (54_208_895, init => YoloxNet.L(init)),
        ["X"] = (99_071_455, init => YoloxNet.X(init)),
    };

    public static TheoryData<string> Names() => [.. Published.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void HaveTheirPublishedNumberOfParameters(string name)
    {
        using var stream = Device.Cpu.CreateStream();
        var (expected, make) = Published[name];
        using var net = make(Initializer.Undefined(stream));
        ParameterCount.Is(expected, net);
    }

    [Fact]
    public void NamesAreThoseOfThePublishedWeights()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloxNet.Nano(Initializer.Undefined(stream));
        var names = net.Parameters.Select(p => p.Name).Concat(net.Buffers.Select(b => b.Name)).ToHashSet();
        Assert.Superset(new HashSet<string>
        {
            "backbone.backbone.stem.conv.conv.weight", "backbone.backbone.dark2.0.dconv.conv.weight", "backbone.backbone.dark3.1.m.2.conv2.pconv.bn.running_var",
            "backbone.backbone.dark5.1.conv2.conv.weight", "backbone.backbone.dark5.2.conv3.bn.bias", "backbone.lateral_conv0.conv.weight",
            "backbone.C3_n4.m.0.conv1.conv.weight", "backbone.bu_conv1.dconv.conv.weight", "head.stems.2.conv.weight", "head.cls_convs.1.1.pconv.conv.weight",
            "head.obj_preds.0.bias",
        }, names);
    }

    [Fact]
    public void CellsOfThreeLevelsComeOneBehindTheOther()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = new YoloxNet(Initializer.Undefined(stream), 0.33, 0.25, 5, isSeparable: true, Normalization.Group);
        var (classes, objectness, boxes) = net.Outputs(new Tape().Input(new TensorSpec(DType.Float32, 2, 64, 96, 3)));
        var cells = 8 * 12 + 4 * 6 + 2 * 3;
        Assert.Equal([2L, cells, 5], classes.Shape);
        Assert.Equal([2L, cells, 1], objectness.Shape);
        Assert.Equal([2L, cells, 4], boxes.Shape);
        Assert.Equal([8, 16, 32], net.Strides);
        Assert.Throws<ArgumentOutOfRangeException>(() => YoloxNet.Nano(Initializer.Undefined(stream), classes: 0));
    }

    // The exported network has its normalisations in the convolutions: for each of their channels one number, a bias, instead of two.
    [Fact]
    public void ThePublishedFileHasTheSameTensors()
    {
        var file = OnnxWeights.Load(SharedData.File("models", "yolox_nano.onnx"));
        using var stream = Device.Cpu.CreateStream();
        using var net = YoloxNet.Nano(Initializer.Undefined(stream));
        OnnxTensor[] filters = [.. file.Tensors.Where(t => t.Shape.Length == 4)];
        long Channels() => net.Buffers.Where(b => b.Name.EndsWith("running_mean", StringComparison.Ordinal)).Sum(b => b.Tensor.ElementCount);
        // Biases have the names of their convolutions; other vectors of the file are sizes and bounds.
        var biases = file.Tensors.Where(t => t.Shape.Length == 1 && (t.Name.StartsWith("head", StringComparison.Ordinal) || t.Name.Contains("Conv", StringComparison.Ordinal)));
        Assert.Equal(net.Parameters.Sum(p => p.Spec.ElementCount) - Channels(), filters.Sum(t => (long)t.ElementCount) + biases.Sum(t => (long)t.ElementCount));
        Assert.Equal(904_463, filters.Sum(t => (long)t.ElementCount) + biases.Sum(t => (long)t.ElementCount));
        // [out][in][kh][kw] there, [out][kh][kw][in] here.
        var theirs = filters.Select(t => (t.Shape[0], t.Shape[2], t.Shape[3], t.Shape[1])).Order();
        Assert.Equal(net.Parameters.Where(p => p.Spec.Rank == 4).Select(p => (p.Spec[0], p.Spec[1], p.Spec[2], p.Spec[3])).Order(), theirs);
    }
}
