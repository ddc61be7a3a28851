using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;
using Fovea.Training.Tests;

namespace Fovea.Models.Tests.Blocks;

/// <summary>Smooth activations, so that no difference quotient meets a kink.</summary>
public sealed class BlockGradientTests
{
    private static readonly ConvStyle Smooth = new() { Activation = Activation.Silu };
    private static readonly ConvStyle SmoothGroups = new() { Activation = Activation.Silu, Normalization = Normalization.Group, Groups = 2 };

    private static readonly HourglassOptions TinyHourglass = new() { StemChannels = 2, Widths = [4, 6], Blocks = [1, 2], Channels = 4, Style = SmoothGroups };

    private static readonly Dictionary<string, (Func<Initializer, Module> Make, long[] Shape)> Cases = new()
    {
        ["conv, batch norm"] = (init => ConvNormActivation.Same(init, "c", 3, 4, 3, Smooth, stride: 2), [2, 5, 4, 3]),
        ["conv, frozen batch norm"] = (init => ConvNormActivation.Same(init, "c", 3, 4, 3, Smooth with { Normalization = Normalization.FrozenBatch }), [2, 3, 4, 3]),
        ["conv, group norm"] = (init => ConvNormActivation.Same(init, "c", 3, 4, 3, SmoothGroups), [2, 3, 4, 3]),
        ["conv, bias"] = (init => ConvNormActivation.Same(init, "c", 3, 4, 1, Smooth with { Normalization = Normalization.None }), [2, 3, 4, 3]),
        ["basic block"] = (init => new BasicBlock(init, "b", 3, 4, 2, SmoothGroups), [1, 5, 4, 3]),
        ["basic block, plain shortcut"] = (init => new BasicBlock(init, "b", 4, 4, 1, SmoothGroups), [1, 3, 4, 4]),
        ["bottleneck"] = (init => new Bottleneck(init, "b", 3, 2, 2, SmoothGroups), [1, 5, 4, 3]),
        ["darknet residual"] = (init => new DarknetResidual(init, "b", 4, SmoothGroups), [1, 3, 4, 4]),
        ["separable block"] = (init => new SeparableBlock(init, "b", 4, 6, 2, SmoothGroups), [1, 5, 4, 4]),
        ["inverted residual"] = (init => new InvertedResidual(init, "b", 4, 8, 4, 3, 1, squeezed: 4, SmoothGroups), [2, 4, 3, 4]),
        ["shuffle unit"] = (init => new ShuffleUnit(init, "b", 8, 8, 1, SmoothGroups), [1, 4, 3, 8]),
        ["shuffle unit, stride 2"] = (init => new ShuffleUnit(init, "b", 4, 8, 2, SmoothGroups), [1, 4, 5, 4]),
        ["spatial bins"] = (_ => new SpatialBins("b", 1, 2), [2, 5, 4, 3]),
        ["spatial pyramid pooling"] = (_ => new SpatialPyramidPooling("b", false, 3, 5), [1, 4, 5, 2]),
        ["dense"] = (init => new Dense(init, "d", 5, 3, Activation.Silu), [4, 5]),
        ["feature pyramid"] = (init => new FeaturePyramid(init, "fpn", new TinyBackbone(init, SmoothGroups), 3, ExtraLevels.FromBackbone), [1, 9, 7, 3]),
        ["path aggregation"] = (init => new PathAggregation(init, "pan", new FeaturePyramid(init, "fpn", new TinyBackbone(init, SmoothGroups), 4), SmoothGroups), [1, 9, 7, 3]),
        ["upsampling path"] = (init => new UpsamplingPath(init, "up", new TinyBackbone(init, SmoothGroups), [4, 6], SmoothGroups, hasSkips: true), [1, 8, 16, 3]),
        ["hourglass"] = (init => new StackedHourglass(init, "hg", TinyHourglass), [1, 10, 12, 3]),
        ["modulated deformable conv"] = (init => new ModulatedDeformConv(init, "d", 3, 4), [1, 4, 5, 3]),
    };

    public static TheoryData<string> Names() => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void EqualDifferenceQuotients(string name)
    {
        using var stream = Device.Cpu.CreateStream();
        using var check = Check(stream, name);
        check.Run();
    }

    [Theory]
    [InlineData("inverted residual")]
    [InlineData("shuffle unit")]
    [InlineData("spatial pyramid pooling")]
    [InlineData("path aggregation")]
    public void AgreeOnEmulatedCuda(string name)
    {
        using var emulated = Emulated.StreamOrSkip();
        using var stream = Device.Cpu.CreateStream();
        using GradientCheck expected = Check(stream, name), actual = Check(emulated, name);
        foreach (var (cpu, cuda) in expected.Gradients().Zip(actual.Gradients()))
        {
            // Two orders of at most a few hundred f32 additions, through a few layers.
            for (var i = 0; i < cpu.Gradient.Length; i++)
                Assert.True(Math.Abs(cpu.Gradient[i] - cuda.Gradient[i]) <= 5e-5 * (1 + Math.Abs(cpu.Gradient[i])),
                    $"{cpu.Name}, element {i}: cpu {cpu.Gradient[i]}, emulated {cuda.Gradient[i]}");
        }
    }

    private static GradientCheck Check(DeviceStream stream, string name)
    {
        var (make, shape) = Cases[name];
        var module = make(new Initializer(stream, 5));
        // Of several levels every one counts.
        return new GradientCheck(stream, module, module is Backbone backbone ? x => Flat(backbone.Levels(x)) : module.Forward, shape);
    }

    private static Value Flat(IReadOnlyList<Value> levels)
    {
        Value[] rows = [.. levels.Select(level => level.Reshape(1, level.Spec.ElementCount))];
        return rows[0].Concat(rows.AsSpan(1));
    }
}
