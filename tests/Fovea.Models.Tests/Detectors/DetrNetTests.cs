using Fovea.Models.Backbones;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Models.Tests.Detectors;

public sealed class DetrNetTests
{
    private static readonly DetrOptions Tiny = new()
    {
        Classes = 3,
        Queries = 5,
        Width = 16,
        Heads = 2,
        FeedForwardWidth = 24,
        EncoderLayers = 2,
        DecoderLayers = 2,
        Dropout = 0,
        Masks = true,
        MaskGroups = 1,
    };

    [Fact]
    public void HasThePublishedNumberOfParameters()
    {
        using var stream = Device.Cpu.CreateStream();
        var init = Initializer.Undefined(stream);
        using var net = DetrNet.ResNet50(init);
        Assert.Equal(41_524_768, Count(net.Parameters));
        Assert.Equal(41_302_368, Count(net.Parameters.Where(p => p.RequiresGradient)));
        using var panoptic = DetrNet.ResNet50(init, new DetrOptions { Classes = 250, Masks = true });
        Assert.Equal(42_899_288, Count(panoptic.Parameters));
        Assert.Equal(7_890_432, Count(net.Parameters.Where(p => p.Name.StartsWith("transformer.encoder.", StringComparison.Ordinal))));
        Assert.Equal(9_473_024, Count(net.Parameters.Where(p => p.Name.StartsWith("transformer.decoder.", StringComparison.Ordinal))));
        Assert.Equal(131_584, Count(panoptic.Parameters.Where(p => p.Name.StartsWith("bbox_attention.", StringComparison.Ordinal))));
        string[] names = [.. panoptic.Parameters.Select(p => p.Name)];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Contains("transformer.decoder.layers.5.multihead_attn.in_proj_weight", names);
    }

    [Fact]
    public void AnImageOfThePaperIs1050Cells()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = DetrNet.ResNet50(Initializer.Undefined(stream), new DetrOptions { Masks = true });
        var tape = new Tape();
        var outputs = net.Outputs(tape.Input(new TensorSpec(DType.Float32, 1, 800, 1333, 3)), tape.Input(new TensorSpec(DType.Float32, 1050, 256)));
        Assert.Equal([1L, 25, 42, 256], outputs.Memory.Shape);
        Assert.Equal(6, outputs.Logits.Count);
        Assert.All(outputs.Logits, l => Assert.Equal([1L, 100, 92], l.Shape));
        Assert.All(outputs.Boxes, b => Assert.Equal([1L, 100, 4], b.Shape));
        Assert.Equal([1L, 100, 200, 334], net.Masks!.Forward(outputs, outputs.States).Shape);
    }

    [Fact]
    public void PaddingSaysWhichCellsCount()
    {
        var (order, inverse, lengths, valid) = DetrPadding.Tensors([(2, 3), (1, 2)], 2, 3);
        Assert.Equal([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], order);
        Assert.Equal([6, 2], lengths);
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0], valid);
        (order, inverse, _, _) = DetrPadding.Tensors([(2, 1)], 2, 2);
        Assert.Equal([0, 2, 1, 3], order);
        Assert.Equal([0, 2, 1, 3], inverse);
        // Row i of 25 looks at pixel floor(i*800/25) = 32i.
        Assert.Equal(10, DetrPadding.Cells(320, 800, 25));
        Assert.Equal(11, DetrPadding.Cells(321, 800, 25));
        Assert.Throws<ArgumentException>(() => DetrPadding.Tensors([(3, 1)], 2, 3));
    }

    // What lies under the padding reaches neither queries nor the cells of the image: keys behind the length are not read.
    [Fact]
    public void PaddingIsNotSeen()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = Net(stream);
        var (order, inverse, lengths, valid) = DetrPadding.Tensors([(2, 3), (3, 2)], 3, 4);
        var cells = Random(1, 2 * 12 * 16);
        var garbage = (float[])cells.Clone();
        for (var i = 0; i < garbage.Length; i++)
            if (valid[i / 16] == 0) garbage[i] = 100 * i;
        var (queries, memory, looks) = Run(cells);
        var (otherQueries, otherMemory, otherLooks) = Run(garbage);
        Assert.Equal(queries, otherQueries);
        Assert.Equal(looks, otherLooks);
        for (var i = 0; i < memory.Length; i++)
            if (valid[i / 16] == 1) Assert.Equal(memory[i], otherMemory[i]);

        // The weights of a query add up to 1 over all heads and cells together, and padding gets none.
        for (var row = 0; row < 2 * 5; row++)
        {
            double sum = 0;
            for (var i = 0; i < 12 * 2; i++)
            {
                var weight = looks[row * 24 + i];
                sum += weight;
                if (valid[row / 5 * 12 + i / 2] == 0) Assert.Equal(0, weight);
            }
            Assert.Equal(1, sum, 1e-5);
        }

        (float[] Queries, float[] Memory, float[] Looks) Run(float[] values)
        {
            using var x = DeviceTensor.From<float>(stream, values, 2, 12, 16);
            using var positions = DeviceTensor.From<float>(stream, Random(2, 12 * 16), 12, 16);
            using var o = DeviceTensor.From<int>(stream, order, 2, 12);
            using var i = DeviceTensor.From<int>(stream, inverse, 2, 12);
            using var l = DeviceTensor.From<int>(stream, lengths, 2);
            using var v = DeviceTensor.From<float>(stream, valid, 2, 12);
            var tape = new Tape();
            var padding = DetrPadding.On(tape, o, i, l, v);
            var (states, memory) = net.Transform(tape.Input(x), tape.Input(positions), padding);
            var looks = net.Masks!.Looks(states[^1], memory, padding.Valid);
            using var program = tape.Compile(stream, looks.Sum(), null, states[^1], memory, looks);
            program.Run();
            return (program.Read(states[^1]).ToArray<float>(stream), program.Read(memory).ToArray<float>(stream), program.Read(looks).ToArray<float>(stream));
        }
    }

    // Queries are a set: in another order they answer in that order.
    [Fact]
    public void QueriesHaveNoOrder()
    {
        using var stream = Device.Cpu.CreateStream();
        using var net = Net(stream);
        int[] order = [3, 0, 4, 1, 2];
        var plain = Run();
        var query = net.Parameters.Single(p => p.Name == "query_embed.weight").Value;
        var rows = query.ToArray<float>(stream);
        query.CopyFrom<float>(stream, [.. order.SelectMany(q => rows.AsSpan(16 * q, 16).ToArray())]);
        var turned = Run();
        // Attention adds up its keys in another order: some roundings of numbers around 1.
        for (var q = 0; q < 5; q++)
            for (var i = 0; i < 16; i++) Assert.Equal(plain[16 * order[q] + i], turned[16 * q + i], 1e-5);

        float[] Run()
        {
            using var x = DeviceTensor.From<float>(stream, Random(1, 6 * 16), 1, 6, 16);
            using var positions = DeviceTensor.From<float>(stream, Random(2, 6 * 16), 6, 16);
            var tape = new Tape();
            var (states, _) = net.Transform(tape.Input(x), tape.Input(positions));
            using var program = TapeProgram.FusedInference(stream, states[^1]);
            program.Run();
            return program.Read(states[^1]).ToArray<float>(stream);
        }
    }

    private static DetrNet Net(DeviceStream stream)
    {
        var init = new Initializer(stream, 5);
        return new DetrNet(init, "", new CompactResNet(init, "backbone", [8, 8]), Tiny);
    }

    private static long Count(IEnumerable<Parameter> parameters) => parameters.Sum(p => p.Spec.ElementCount);

    private static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
