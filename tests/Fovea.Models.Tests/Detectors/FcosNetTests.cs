using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class FcosNetTests
{
    // torchvision's metadata of fcos_resnet50_fpn: 23,454,912 in the backbone, 3,868,672 in the pyramid, 4,946,016 in the heads.
    [Fact]
    public void TheFullSizeHasItsPublishedNumberOfParameters()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = FcosNet.ResNet50(Initializer.Undefined(stream));
        Assert.Equal(32_269_600, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal([8, 16, 32, 64, 128], net.Strides);
        var names = net.Parameters.Select(p => p.Name).ToHashSet();
        Assert.Superset(new HashSet<string> { "backbone.body.layer4.2.conv3.weight", "head.classification_head.conv.9.bias", "head.regression_head.conv.10.weight", "head.regression_head.bbox_ctrness.bias" }, names);
        var tape = new Tape();
        var (classes, distances, centerness) = net.Outputs(tape.Input(new TensorSpec(DType.Float32, 1, 800, 1344, 3)));
        Assert.Equal([1L, 22_400, 91], classes.Shape);
        Assert.Equal([1L, 22_400, 4], distances.Shape);
        Assert.Equal([1L, 22_400, 1], centerness.Shape);
    }

    // At first every cell says 1 % for every class, and distances of one pixel.
    [Fact]
    public void TheExponentialHeadBeginsWithAPixel()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 1);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [16, 16], normalization: Normalization.Group), 16);
        using var net = new FcosNet(init, "", pyramid, 2, towerConvs: 1, groups: 2, FcosRegression.Exponential);
        using var image = init.Uniform(1, 1, 16, 16, 3);
        var tape = new Tape();
        var (classes, distances, _) = net.Outputs(tape.Input(image));
        using var program = TapeProgram.Inference(stream, classes, distances);
        program.Run();
        // Logits and exponents come from 144 products with weights of deviation 0.01.
        Assert.All(program.Read(classes).ToArray<float>(stream), x => Assert.Equal(-4.5951199, x, 1.0));
        var pixels = program.Read(distances).ToArray<float>(stream).Select((d, i) => d * (i < 16 * 4 ? 4 : 8));
        Assert.All(pixels, p => Assert.InRange(p, 0.4, 2.5));
    }
}
