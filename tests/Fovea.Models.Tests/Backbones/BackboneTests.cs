using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Backbones;

/// <summary>Counts that others published or that follow from the papers' tables. No weight is written, so the memory of the largest model is
/// address space alone.</summary>
public sealed class BackboneTests
{
    private static readonly Dictionary<string, (long Parameters, Func<Initializer, Module> Make)> Published = new()
    {
        ["ResNet-18"] = (11_689_512, init => ResNet.Of18(init, classes: 1000)),
        ["ResNet-34"] = (21_797_672, init => ResNet.Of34(init, classes: 1000)),
        ["ResNet-50"] = (25_557_032, init => ResNet.Of50(init, classes: 1000)),
        ["ResNet-101"] = (44_549_160, init => ResNet.Of101(init, classes: 1000)),
        ["ResNet-50, frozen statistics, no classes"] = (23_454_912, init => ResNet.Of50(init, normalization: Normalization.FrozenBatch)),
        ["ResNet-50 with a pyramid"] = (23_454_912 + 3_344_384, init => new FeaturePyramid(init, "fpn", ResNet.Of50(init, normalization: Normalization.FrozenBatch))),
        ["MobileNet"] = (4_231_976, init => new MobileNetV1(init, "features", classes: 1000)),
        ["MobileNetV2"] = (3_504_872, init => new MobileNetV2(init, "features", classes: 1000)),
        ["MobileNetV3 large"] = (5_483_032, init => MobileNetV3.Large(init, "features", classes: 1000)),
        ["MobileNetV3 small"] = (2_542_856, init => MobileNetV3.Small(init, "features", classes: 1000)),
        ["ShuffleNetV2"] = (2_278_604, init => new ShuffleNetV2(init, "net", classes: 1000)),
        // From the tables of the papers: kernels, two numbers of batch normalisation per channel, and the classifier.
        ["Darknet-19"] = (Darknet19() + 1000 * 1024 + 1000, init => Darknet.Of19(init, "net", classes: 1000)),
        ["Darknet-53"] = (Darknet53() + 1000 * 1024 + 1000, init => Darknet.Of53(init, "net", classes: 1000)),
        ["YOLO, convolutions of the paper"] = (60_155_968, init => Darknet.YoloV1(init, "net", Normalization.None)),
        // The 197,301,875 numbers of yolov1.cfg without its local (115,618,048) and its connected layer (21,514,675).
        ["YOLO, convolutions of yolov1.cfg"] = (197_301_875 - 115_618_048 - 21_514_675, init => Darknet.YoloV1(init, "net", Normalization.Batch)),
    };

    public static TheoryData<string> Names() => [.. Published.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void HaveTheirPublishedNumberOfParameters(string name)
    {
        using var stream = Device.Cpu.CreateStream();
        var (expected, make) = Published[name];
        using var model = make(Initializer.Undefined(stream));
        ParameterCount.Is(expected, model);
    }

    [Fact]
    public void YoloOfThePaperIsWhole()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        using var convolutions = Darknet.YoloV1(init, "net", Normalization.None);
        using var first = new Dense(init, "fc1", 7 * 7 * 1024, 4096);
        using var second = new Dense(init, "fc2", 4096, 7 * 7 * 30);
        Assert.Equal(271_703_550, new Module[] { convolutions, first, second }.SelectMany(m => m.Parameters).Sum(p => p.Spec.ElementCount));
        var tape = new Tape();
        var y = convolutions.Forward(tape.Input(new TensorSpec(DType.Float32, 1, 448, 448, 3)));
        Assert.Equal([1L, 7, 7, 1024], y.Shape);
        Assert.Equal(20_073_611_264, tape.MultiplyAdds);
    }

    [Fact]
    public void ResNet50HasItsMultiplyAddsAndLevels()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = ResNet.Of50(Initializer.Undefined(stream), classes: 1000);
        var tape = new Tape();
        var image = tape.Input(new TensorSpec(DType.Float32, 1, 224, 224, 3));
        Assert.Equal([1L, 1000], model.Forward(image).Shape);
        Assert.Equal(4_089_184_256, tape.MultiplyAdds);
        var names = model.Parameters.Select(p => p.Name).Concat(model.Buffers.Select(b => b.Name)).ToHashSet();
        Assert.Superset(new HashSet<string> { "conv1.weight", "bn1.running_var", "layer1.0.downsample.1.bias", "layer4.2.conv3.weight", "fc.bias" }, names);
    }

    // DETR trains the backbone from layer2 on: 222,400 of its numbers stay.
    [Fact]
    public void FrozenLevelsAreNotTrained()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = ResNet.Of50(Initializer.Undefined(stream), normalization: Normalization.FrozenBatch);
        model.FreezeLevels(1);
        Assert.Equal(23_454_912 - 222_400, model.Parameters.Where(p => p.RequiresGradient).Sum(p => p.Spec.ElementCount));
        var levels = model.Levels(new Tape().Input(new TensorSpec(DType.Float32, 1, 64, 64, 3)));
        Assert.Equal([false, true, true, true], levels.Select(l => l.RequiresGradient));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.FreezeLevels(5));
    }

    [Fact]
    public void LevelsHaveTheChannelsAndStridesTheyPromise()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        Check([64, 128, 256, 512], ResNet.Of18(init));
        Check([256, 512, 1024, 2048], ResNet.Of50(init));
        Check([128, 256, 512, 1024], new MobileNetV1(init, "net"));
        Check([24, 32, 96, 1280], new MobileNetV2(init, "net"));
        Check([24, 40, 112, 960], MobileNetV3.Large(init, "net"));
        Check([16, 24, 48, 576], MobileNetV3.Small(init, "net"));
        Check([24, 116, 232, 1024], new ShuffleNetV2(init, "net"));
        Check([128, 256, 512, 1024], Darknet.Of19(init, "net"));
        Check([128, 256, 512, 1024], Darknet.Of53(init, "net"));
        Check([192, 512, 1024, 1024, 1024], Darknet.YoloV1(init, "net", Normalization.Batch));

        static void Check(int[] channels, Backbone backbone)
        {
            using (backbone)
            {
                var levels = backbone.Levels(new Tape().Input(new TensorSpec(DType.Float32, 1, 128, 192, 3)));
                Assert.Equal(channels, levels.Select(l => (int)l.Shape[3]));
                Assert.Equal(channels, backbone.LevelChannels);
                Assert.Equal(channels.Select((_, i) => 4 << i), backbone.LevelStrides);
                Assert.Equal(backbone.LevelStrides.Select(s => (128 / s, 192 / s)), levels.Select(l => ((int)l.Shape[1], (int)l.Shape[2])));
            }
        }
    }

    // Forward and backward of the smallest network, then both inferences.
    [Fact]
    public void AWholeNetworkRunsBothWays()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 1);
        using var model = new ShuffleNetV2(init, "net", classes: 10);
        using var x = init.Uniform(1, 2, 32, 32, 3);
        using var targets = DeviceTensor.From<int>(stream, [3, 7], 2);
        var tape = new Tape();
        using var program = tape.Compile(stream, model.Forward(tape.Input(x)).CrossEntropy(tape.Input(targets)));
        program.Run();
        Assert.InRange(program.ReadLoss(), 0.1f, 10);
        Assert.All(model.Parameters, p => Assert.DoesNotContain(p.Gradient.ToArray<float>(stream), g => !float.IsFinite(g)));
        model.Train(false);
        var logits = model.Forward(new Tape().Input(x));
        using TapeProgram plain = TapeProgram.Inference(stream, logits), fused = TapeProgram.FusedInference(stream, logits);
        plain.Run();
        fused.Run();
        var (expected, actual) = (plain.Read(logits).ToArray<float>(stream), fused.Read(logits).ToArray<float>(stream));
        // 56 layers in a row, each with roundings of 2^-24 of its numbers.
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f * (1 + Math.Abs(expected[i])));
    }

    private static long Conv(long kernel, long inChannels, long outChannels) => kernel * kernel * inChannels * outChannels + 2 * outChannels;

    private static long Darknet19()
    {
        long[] channels = [3, 32, 64, 128, 64, 128, 256, 128, 256, 512, 256, 512, 256, 512, 1024, 512, 1024, 512, 1024];
        // Whatever has fewer channels than its input is a 1x1 convolution.
        return Enumerable.Range(1, 18).Sum(i => Conv(channels[i] < channels[i - 1] ? 1 : 3, channels[i - 1], channels[i]));
    }

    private static long Darknet53()
    {
        var sum = Conv(3, 3, 32);
        long channels = 32;
        foreach (var count in (long[])[1, 2, 8, 8, 4])
        {
            sum += Conv(3, channels, 2 * channels);
            channels *= 2;
            sum += count * (Conv(1, channels, channels / 2) + Conv(3, channels / 2, channels));
        }
        return sum;
    }
}
