using Xunit;

namespace Fovea.Data.Tests;

public class TfliteModelTests
{
    [Fact]
    public void ReadsTensorsOperatorsAndConstants()
    {
        var model = TfliteModel.Parse(TfliteFixture.Build(), "fixture");
        Assert.Equal("fixture", model.Description);
        Assert.Equal([0], model.Inputs.ToArray());
        Assert.Equal([5], model.Outputs.ToArray());
        Assert.Equal(7, model.Tensors.Count);
        var weights = model.GetTensor("conv/weights");
        Assert.Equal([2, 1, 2, 3], weights.Shape.ToArray());
        Assert.Equal(TfliteFixture.ConvWeights, weights.ToFloats());
        Assert.Equal([1, -2], model.GetTensor("axes").ToInt32s());
        Assert.False(model.GetTensor("x").IsConstant);
        Assert.Equal(48, model.GetTensor("x").ElementCount);
        Assert.Equal([TfliteOpcode.Conv2D, TfliteOpcode.Dequantize, TfliteOpcode.FullyConnected], model.Operators.Select(o => o.Opcode));
        var conv = model.Operators[0];
        Assert.Equal((1, 2, 1), (conv.ByteOption(0), conv.Int32Option(1), conv.Int32Option(2)));
        Assert.Equal(7, model.Operators[1].Int32Option(1, absent: 7));
    }

    [Fact]
    public void FindsConstantsByTheirConsumerThroughDequantize()
    {
        var model = TfliteModel.Parse(TfliteFixture.Build(), "fixture");
        Assert.Equal("conv/weights", model.FindConstant(model.Operators[0], 1)?.Name);
        Assert.Null(model.FindConstant(model.Operators[0], 0));
        Assert.Null(model.FindConstant(model.Operators[0], 2));
        Assert.Null(model.FindConstant(model.Operators[0], 3));
        var full = model.FindConstant(model.Operators[2], 1);
        Assert.Equal("full/weights_f16", full?.Name);
        Assert.Equal([0.5f, -2f, 65504f, 6.1035156e-05f], full!.ToFloats());
    }

    [Fact]
    public void MisuseNamesTheTensor()
    {
        var model = TfliteModel.Parse(TfliteFixture.Build(), "fixture");
        Assert.Contains("axes Int32 [2]", Assert.Throws<InvalidOperationException>(() => model.GetTensor("axes").ToFloats()).Message);
        Assert.Throws<InvalidOperationException>(() => model.GetTensor("x").ToFloats());
        Assert.Throws<InvalidOperationException>(() => model.GetTensor("conv/weights").ToInt32s());
        Assert.Throws<ArgumentException>(() => model.GetTensor("conv/weights").CopyTo(new float[11]));
        Assert.Contains("'nope'", Assert.Throws<KeyNotFoundException>(() => model.GetTensor("nope")).Message);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-2)]
    [InlineData(int.MaxValue)]
    public void RefusesAShapeThatDoesNotMatchItsData(int rows)
    {
        var error = Assert.Throws<TfliteFormatException>(() => TfliteModel.Parse(TfliteFixture.Build(rows), "bad.tflite"));
        Assert.Equal("bad.tflite", error.FileName);
        Assert.Contains("conv/weights", error.Message);
    }

    [Fact]
    public void RefusesOtherFilesByName()
    {
        Assert.Contains("TFL3", Assert.Throws<TfliteFormatException>(() => TfliteModel.Parse(default, "empty")).Message);
        Assert.StartsWith("png: ", Assert.Throws<TfliteFormatException>(() => TfliteModel.Parse(new byte[100], "png")).Message);
        Assert.Throws<FileNotFoundException>(() => TfliteModel.Load("/nonexistent/file.tflite"));
    }

    [Fact]
    public void EveryTruncationIsRefusedOrRead()
    {
        var bytes = TfliteFixture.Build();
        for (var length = 0; length < bytes.Length; length++) Survives(bytes.AsMemory(0, length).ToArray());
    }

    [Fact]
    public void EveryByteSetToExtremesIsRefusedOrRead()
    {
        var bytes = TfliteFixture.Build();
        for (var i = 0; i < bytes.Length; i++)
            foreach (byte value in (byte[])[0, 1, 0x7F, 0x80, 0xFF])
            {
                var copy = (byte[])bytes.Clone();
                copy[i] = value;
                Survives(copy);
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomDamageIsRefusedOrRead(int seed)
    {
        var random = new Random(seed);
        var bytes = TfliteFixture.Build();
        for (var round = 0; round < 20000; round++)
        {
            var copy = (byte[])bytes.Clone();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
            {
                var at = random.Next(copy.Length);
                if (random.Next(2) == 0) copy[at] ^= (byte)(1 << random.Next(8));
                else BitConverter.TryWriteBytes(copy.AsSpan(at & ~3), random.Next(-64, copy.Length + 64));
            }
            Survives(copy);
        }
    }

    [Fact]
    public void OverlappingListsCannotMultiplyMemory()
    {
        // 60,000 tensors that are all the same table with a 4,000-byte name: 240 MB of strings from a 250 kB file.
        var w = new FlatWriter();
        var shared = 0;
        int Shared() => shared != 0 ? shared : shared = w.Table(null, null, 0, (Func<int>)(() => w.String(new string('n', 4000))));
        w.Root("TFL3", () => w.Table(
            3, null,
            (Func<int>)(() => w.Tables(() => w.Table((Func<int>)(() => w.Tables([.. Enumerable.Repeat((Func<int>)Shared, 60000)]))))), null,
            (Func<int>)(() => w.Tables(() => w.Table()))));
        Assert.Contains("overlap", Assert.Throws<TfliteFormatException>(() => TfliteModel.Parse(w.ToArray(), "bomb")).Message);
    }

    // Any outcome but a valid model or TfliteFormatException fails the test; constants must be readable too.
    private static void Survives(byte[] bytes)
    {
        try
        {
            foreach (var tensor in TfliteModel.Parse(bytes, "fuzzed").Tensors)
            {
                if (tensor.HasFloats) tensor.ToFloats();
            }
        }
        catch (TfliteFormatException e)
        {
            Assert.StartsWith("fuzzed: ", e.Message);
        }
    }
}
