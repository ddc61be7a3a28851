using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Tests.Blocks;

public sealed class PyramidTests
{
    // Identity laterals and 3x3 kernels that pass their centre on: every level is the sum of what lies below and above it.
    [Fact]
    public void LevelsAreSumsInTheSizeOfTheBackbonesLevels()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = new Initializer(stream, 1);
        using var pyramid = new FeaturePyramid(init, "fpn", new Given([2, 2]), channels: 2, ExtraLevels.Subsampled);
        foreach (var parameter in pyramid.Parameters)
        {
            var values = new float[parameter.Spec.ElementCount];
            var taps = parameter.Spec.Rank == 4 ? parameter.Spec[1] * parameter.Spec[2] : 0;
            if (taps > 0) values[taps / 2 * 2] = values[(taps + taps / 2) * 2 + 1] = 1; // [out][kh][kw][in]
            parameter.Value.CopyFrom<float>(stream, values);
        }
        // 5 by 3 over 3 by 2: nearest takes rows 0 0 1 1 2 and columns 0 0 1.
        using var fine = init.Uniform(1, 1, 5, 3, 2);
        using var coarse = init.Uniform(1, 1, 3, 2, 2);
        var tape = new Tape();
        var levels = pyramid.Merge([tape.Input(fine), tape.Input(coarse)]);
        using var program = TapeProgram.Inference(stream, [.. levels]);
        program.Run();

        var (below, above) = (fine.ToArray<float>(stream), coarse.ToArray<float>(stream));
        int[] rows = [0, 0, 1, 1, 2], columns = [0, 0, 1];
        var expected = below.Select((v, i) => v + above[(rows[i / 6] * 2 + columns[i / 2 % 3]) * 2 + i % 2]).ToArray();
        Assert.Equal(expected, program.Read(levels[0]).ToArray<float>(stream));
        Assert.Equal(above, program.Read(levels[1]).ToArray<float>(stream));
        // Every second cell of 3 by 2: rows 0 and 2, column 0.
        Assert.Equal([above[0], above[1], above[8], above[9]], program.Read(levels[2]).ToArray<float>(stream));
        Assert.Throws<ArgumentException>(() => pyramid.Merge([tape.Input(fine)]));
    }

    [Fact]
    public void SizesFollowTheImageRoundedUp()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        using var pyramid = new FeaturePyramid(init, "fpn", ResNet.Of50(init, "body", normalization: Normalization.FrozenBatch), extra: ExtraLevels.FromPyramid);
        using var paths = new PathAggregation(init, "pan", pyramid, new ConvStyle { Normalization = Normalization.None });
        var levels = paths.Levels(new Tape().Input(new TensorSpec(DType.Float32, 1, 800, 1333, 3)));
        Assert.Equal([(200, 334), (100, 167), (50, 84), (25, 42), (13, 21), (7, 11)], levels.Select(l => ((int)l.Shape[1], (int)l.Shape[2])));
        Assert.Equal([4, 8, 16, 32, 64, 128], paths.LevelStrides);
        Assert.All(levels, l => Assert.Equal(256, l.Shape[3]));
    }

    // FCOS on 800 by 1344: 100x168 + 50x84 + 25x42 + 13x21 + 7x11 locations.
    [Fact]
    public void FcosHasItsNumberOfLocations()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        using var pyramid = new FeaturePyramid(init, "fpn", ResNet.Of50(init), extra: ExtraLevels.FromPyramid);
        var levels = pyramid.Levels(new Tape().Input(new TensorSpec(DType.Float32, 1, 800, 1344, 3)));
        Assert.Equal(22_400, levels.Skip(1).Sum(l => l.Shape[1] * l.Shape[2]));
    }

    /// <summary>Levels from elsewhere.</summary>
    private sealed class Given : Backbone
    {
        public Given(int[] channels) : base("given") => (LevelChannels, LevelStrides) = (channels, [.. channels.Select((_, i) => 4 << i)]);

        public override IReadOnlyList<Value> Levels(Value image) => throw new NotSupportedException();
    }
}
