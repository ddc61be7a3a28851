using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class VfNetTests
{
    private const long Body = 23_454_912, Pyramid = 3_868_672; // ResNet-50 with constant statistics; P3 to P7, as in FCOS

    // From mmdetection's layers: seven convolutions without bias with group norm, two deformable ones without bias, two of four numbers, the
    // classes, ten scales.
    [Fact]
    public void TheFullSizeHasTheNumberOfParametersOfItsLayers()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = VfNet.ResNet50(Initializer.Undefined(stream));
        const long conv = 256 * 256 * 9;
        const long head = 7 * (conv + 512) + 2 * conv + 2 * (4 * 256 * 9 + 4) + (80 * 256 * 9 + 80) + 10;
        Assert.Equal(Body + Pyramid + head, net.Parameters.Sum(p => p.Spec.ElementCount));
        Assert.Equal(32_838_434, Body + Pyramid + head);
        var tape = new Tape();
        var (classes, distances, refined) = net.Outputs(tape.Input(new TensorSpec(DType.Float32, 1, 800, 1344, 3)));
        Assert.Equal([1L, 22_400, 80], classes.Shape);
        Assert.Equal([1L, 22_400, 4], distances.Shape);
        Assert.Equal([1L, 22_400, 4], refined.Shape);
    }

    [Fact]
    public void GflHasTheNumberOfParametersOfItsLayers()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = GflNet.ResNet50(Initializer.Undefined(stream));
        const long head = 8 * (256 * 256 * 9 + 512) + (80 * 256 * 9 + 80) + (4 * 17 * 256 * 9 + 4 * 17) + 5;
        Assert.Equal(Body + Pyramid + head, net.Parameters.Sum(p => p.Spec.ElementCount));
        var tape = new Tape();
        var (classes, sides) = net.Outputs(tape.Input(new TensorSpec(DType.Float32, 1, 800, 1344, 3)));
        Assert.Equal([1L, 22_400, 80], classes.Shape);
        Assert.Equal([1L, 22_400, 4 * 17], sides.Shape);
    }

    // (y, x) of nine taps from left 2, top 3, right 4, bottom 5, less the plain grid.
    [Fact]
    public void StarOffsetsReachTheBox()
    {
        float[] expected = [-3 + 1, -2 + 1, -3 + 1, 0, -3 + 1, 4 - 1, 0, -2 + 1, 0, 0, 0, 4 - 1, 5 - 1, -2 + 1, 5 - 1, 0, 5 - 1, 4 - 1];
        Assert.Equal(expected, Offsets([2, 3, 4, 5]).Offsets);
        Assert.All(Offsets([1, 1, 1, 1]).Offsets, o => Assert.Equal(0, o));
    }

    // Each side moves three taps, and a tenth of their gradients comes back.
    [Fact]
    public void ATenthOfTheGradientPasses()
    {
        var gradient = Offsets([2, 3, 4, 5]).Gradient;
        // The loss is the sum of (index + 1) * offset: of left -(2 + 8 + 14), of top -(1 + 3 + 5), of right 6 + 12 + 18, of bottom 13 + 15 + 17.
        float[] expected = [-2.4f, -0.9f, 3.6f, 4.5f];
        for (var i = 0; i < 4; i++) Assert.Equal(expected[i], gradient[i], 1e-5f);
    }

    [Fact]
    public void ABoxOfOneStrideMakesAPlainConvolution()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 5);
        using var conv = new StarConv(init, "c", 8);
        using var star = new StarOffsets(stream, "s");
        using DeviceTensor x = init.Uniform(1, 2, 5, 7, 8), sides = init.Constant(1, 2, 5, 7, 4);
        var tape = new Tape();
        var value = tape.Input(x);
        var (plain, moved) = (conv.Forward(value), conv.Around(value, star.Forward(tape.Input(sides))));
        using var program = TapeProgram.Inference(stream, plain, moved);
        program.Run();
        var (expected, actual) = (program.Read(plain).ToArray<float>(stream), program.Read(moved).ToArray<float>(stream));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f); // 72 products in two orders
        Assert.Contains(expected, y => y > 0);
    }

    // Over a map that is linear in y and x, bilinear samples are exact: the sum of nine taps follows from where they lie.
    [Fact]
    public void TapsSampleTheBox()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 5);
        using var conv = new StarConv(init, "c", 1);
        using var star = new StarOffsets(stream, "s");
        conv.Parameters.Single().Value.CopyFrom<float>(stream, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        const float l = 1.25f, t = 0.5f, r = 2.75f, b = 3.5f;
        using DeviceTensor x = DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, 100).Select(i => 10f * (i / 10) + i % 10)], 1, 10, 10, 1),
            sides = DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, 400).Select(i => (i % 4) switch { 0 => l, 1 => t, 2 => r, _ => b })], 1, 10, 10, 4);
        var tape = new Tape();
        var y = conv.Around(tape.Input(x), star.Forward(tape.Input(sides)));
        using var program = TapeProgram.Inference(stream, y);
        program.Run();
        // At (4, 3), whose box lies inside the map.
        float Map(float dy, float dx) => 10 * (4 + dy) + 3 + dx;
        var expected = Map(-t, -l) + 2 * Map(-t, 0) + 3 * Map(-t, r) + 4 * Map(0, -l) + 5 * Map(0, 0) + 6 * Map(0, r) + 7 * Map(b, -l) + 8 * Map(b, 0) + 9 * Map(b, r);
        Assert.Equal(expected, program.Read(y).ToArray<float>(stream)[43], 1e-2f); // a sum of 2,500
    }

    // Nothing that the refined boxes lose moves the first ones: the only way there is through the offsets, which class scores share.
    [Fact]
    public void TheFirstBoxesAreConstantsOfTheRefinedOnes()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 5);
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [16, 16]), 16);
        using var net = new VfNet(init, "", pyramid, 2, towerConvs: 1, groups: 2);
        using var image = init.Uniform(1, 1, 16, 16, 3);
        var tape = new Tape();
        var refined = net.Outputs(tape.Input(image)).Refined;
        using var program = tape.Compile(stream, refined.Sum(), null, refined);
        program.Run();
        var total = program.Read(refined).ToArray<float>(stream).Sum();
        // exp(s*0 + b) * first: the gradient of a bias of the refinement is the sum of its boxes' sides, and with it goes the whole sum.
        var bias = net.Parameters.Single(p => p.Name == "bbox_head.vfnet_reg_refine.bias").Gradient.ToArray<float>(stream);
        Assert.Equal(total, bias.Sum(), 1e-3f * total);
        // Were the first boxes not constant, the same sum would arrive at their bias.
        var first = net.Parameters.Single(p => p.Name == "bbox_head.vfnet_reg.bias").Gradient.ToArray<float>(stream);
        Assert.True(Math.Abs(first.Sum()) < 0.1f * total, $"{first.Sum()} of {total}");
    }

    private static (float[] Offsets, float[] Gradient) Offsets(float[] sides)
    {
        using var stream = Device.Cpu.CreateStream();
        using var star = new StarOffsets(stream, "s");
        using DeviceTensor tensor = DeviceTensor.From<float>(stream, sides, 1, 1, 1, 4), weights = DeviceTensor.From<float>(stream, [.. Enumerable.Range(1, 18)], 1, 1, 1, 18);
        var tape = new Tape();
        var x = tape.Input(tensor, requiresGradient: true);
        var offsets = star.Forward(x);
        using var program = tape.Compile(stream, offsets.Multiply(tape.Input(weights)).Sum(), null, offsets);
        program.Run();
        return (program.Read(offsets).ToArray<float>(stream), program.Gradient(x).ToArray<float>(stream));
    }
}
